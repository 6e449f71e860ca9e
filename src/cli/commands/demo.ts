import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, dirname, join, resolve } from 'node:path'
import { AppError, conflict } from '../../core/errors.ts'
import { inPackage } from '../../package-folder.ts'
import { createReplay } from '../demo/replay.ts'
import { startServer, stopServer } from '../demo/server.ts'
import { beginning, type Length, story } from '../demo/story.ts'
import {
  colours,
  createSession,
  defineCommand,
  demoFolder,
  flag,
  type Io,
  type Outcome,
  type Session,
  text,
} from '../kit/kit.ts'

const example = inPackage('examples/flights')
const standardPort = 5335

export const command = defineCommand({
  summary: 'The whole loop on six months of real flights: train, gate, release, watch, replace, roll back',
  options: {
    quick: flag('without the eight quiet weeks at the end: half as long'),
    exit: flag('stop the server at the end'),
    remove: flag(`stop the server and delete ${demoFolder}/`),
    port: text(`port of the demo's server (default ${standardPort}, or a free one)`, 'port'),
  },
  anywhere: true,
  async run(session, { options }) {
    const project = resolve(session.io.cwd, demoFolder)
    await remove(project)
    if (options.remove) return { data: { removed: project }, text: `${demoFolder}/ is gone, and its server with it.` }
    const port = options.port ?? String(await choosePort())
    return tell(session, { project, port, exit: options.exit, length: options.quick ? 'quick' : 'full' })
  },
})

/** Only what an earlier demo made is deleted. */
async function remove(project: string): Promise<void> {
  if (!existsSync(project)) return
  const marker = join(project, 'keel.yaml')
  if (!existsSync(marker) || !readFileSync(marker, 'utf8').startsWith('project: flights')) {
    throw conflict(`"${project}" is there and was not made by the demo.`, {
      name: project,
      hint: 'Run the demo in another folder.',
    })
  }
  await stopServer(project)
  rmSync(project, { recursive: true, force: true })
}

function choosePort(): Promise<number> {
  return new Promise((done) => {
    const probe = createServer()
    probe.once('error', () => done(0))
    probe.listen(standardPort, '127.0.0.1', () => probe.close(() => done(standardPort)))
  })
}

type Telling = { project: string; port: string; exit: boolean; length: Length }

async function tell(session: Session, { project, port, exit, length }: Telling): Promise<Outcome> {
  const { io } = session
  const colour = colours(io, io.stderr)
  const started = Date.now()
  cpSync(example, project, { recursive: true, filter: (path) => !path.includes('.keel') && !path.endsWith('.test.ts') })
  io.stderr.write(`${colour('dim', '$')} ${colour('cyan', `cd ${demoFolder} && keel up --clock simulated`)}\n`)
  const url = await startServer(project, port)
  io.stderr.write(`  ${url}\n`)
  const inside: Io = { ...io, cwd: project }
  const inner = createSession({ io: inside, flags: {}, json: false, commandLine: session.commandLine })
  const kept: Record<string, unknown> = {}
  let replay: Awaited<ReturnType<typeof createReplay>> | undefined
  try {
    for (const chapter of story.filter(({ only }) => only === undefined || only === length)) {
      if ('say' in chapter) io.stderr.write(`\n${colour('bold', chapter.say)}\n`)
      else if ('replay' in chapter) {
        replay ??= await createReplay(inner, await inner.client(), join(project, 'data', 'flights.csv'), beginning)
        await replay.until(chapter.replay)
      } else {
        const data = await perform(inside, session, chapter.run, chapter.allow ?? [])
        if (chapter.keep !== undefined) kept[chapter.keep] = data
      }
    }
  } catch (error) {
    await stopServer(project)
    throw error
  }
  const seconds = (Date.now() - started) / 1000
  if (exit) await stopServer(project)
  return {
    data: { url: exit ? null : url, project, seconds, requests: replay?.requests ?? 0, ...kept },
    text: ending({ url, exit, length }, seconds, replay?.requests ?? 0),
    next: [
      'keel status',
      'keel live flight-delay --at 2001-05-01T12:00',
      'keel releases flight-delay',
      ...(exit ? ['keel up'] : ['keel demo --remove']),
    ],
  }
}

type Told = { url: string; exit: boolean; length: Length }

function ending({ url, exit, length }: Told, seconds: number, requests: number): string {
  const time = length === 'full' ? 'Three months' : 'Five weeks'
  const where = exit ? 'The server is stopped; "keel up" starts it again.' : `Look around: ${url}`
  return `\n${time}, ${requests} predictions, ${seconds.toFixed(0)} seconds. ${where}`
}

/** Prints a command and runs it as the user would; returns what it found as data. */
async function perform(io: Io, session: Session, line: string, allowed: number[]): Promise<unknown> {
  const colour = colours(io, io.stderr)
  const [first = '', ...rest] = words(line)
  if (first === 'node') {
    io.stderr.write(`\n${colour('dim', '$')} ${colour('cyan', line)}\n`)
    const path = [dirname(process.execPath), io.environment['PATH'] ?? ''].join(delimiter)
    const { status, stderr, stdout } = spawnSync(process.execPath, rest, {
      cwd: io.cwd,
      encoding: 'utf8',
      env: { ...io.environment, PATH: path },
    })
    io.stderr.write(`${stdout}${stderr}`)
    if (status !== 0) throw new AppError('internal', `"${line}" ended with exit code ${status}.`)
    return undefined
  }
  io.stderr.write(`\n${colour('dim', '$')} ${colour('cyan', `keel ${line}`)}\n`)
  let found: unknown
  let complaint = ''
  const quiet = session.json ? { write: () => true } : io.stdout
  const stderr = { write: (text: string) => (complaint += text) }
  const observed: Io = { ...io, stdout: quiet, stderr, observe: (data) => (found = data) }
  const code = await session.commandLine.run([first, ...rest], observed)
  if (code === 0 || (allowed.includes(code) && found !== undefined)) return found
  io.stderr.write(complaint)
  if (allowed.includes(code)) return { exitCode: code, message: complaint.trim() }
  throw new AppError('internal', `"keel ${line}" ended with exit code ${code}.`)
}

/** Splits a command line at spaces outside of double quotes. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
}
