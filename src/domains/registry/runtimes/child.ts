import { delimiter, dirname, isAbsolute } from 'node:path'
import type { Context } from '../../../core/context.ts'
import { environmentOf, startGroup, tail } from '../../../core/process/process.ts'

export type Child = {
  pid: number | undefined
  over: boolean
  /** Resolves with the reason once it is over. */
  ended: Promise<string>
  /** The last lines that it wrote. */
  tail(): string
  /** Asks the whole process group to end, and kills it after a grace period. */
  end(): void
}

const keptCharacters = 2_000

type ChildOptions = { name: string; command: string[]; environment: string[] }

export function startChild(ctx: Context, { name, command, environment }: ChildOptions): Child {
  const group = startGroup({
    name,
    command,
    cwd: ctx.root,
    environment: besides(command[0], environmentOf(environment)),
  })
  const said = tail(keptCharacters)
  for (const stream of group.outputs) stream.on('data', (chunk: Buffer) => said.take(chunk))
  const { promise, resolve } = Promise.withResolvers<string>()
  const child: Child = {
    pid: group.process.pid,
    over: false,
    ended: promise,
    tail: said.text,
    end() {
      if (!child.over) group.end()
    },
  }
  group.process.once('error', (error) => over(error.message))
  group.process.once('exit', (code, by) => over(by === null ? `exit code ${code}` : `signal ${by}`))
  function over(why: string): void {
    if (child.over) return
    child.over = true
    group.kill()
    resolve(why)
  }
  return child
}

/** A program that is named by its full path finds what lies beside it, as one of a Python environment needs. */
function besides(program: string | undefined, environment: Record<string, string>): Record<string, string> {
  if (program === undefined || !isAbsolute(program)) return environment
  const { PATH } = environment
  return { ...environment, PATH: PATH === undefined ? dirname(program) : `${dirname(program)}${delimiter}${PATH}` }
}
