import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run } from '../../src/cli/cli.ts'
import type { Command } from '../../src/cli/kit/command.ts'
import { commonOptions } from '../../src/cli/kit/common-options.ts'
import type { Io } from '../../src/cli/kit/io.ts'
import { optionName, type Parameter } from '../../src/cli/kit/parameters.ts'
import { words } from '../../src/cli/words.ts'
import { temporaryFolder } from '../support/folder.ts'
import { keel, keelRunning } from '../support/keel.ts'

function project(t: TestContext): string {
  const cwd = temporaryFolder(t)
  writeFileSync(join(cwd, 'keel.yaml'), 'project: trial\n')
  return cwd
}

/** Types a command line in this process. */
async function typed(argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const printed = { stdout: '', stderr: '' }
  const stream = (name: 'stdout' | 'stderr') => ({
    isTTY: false,
    write: (text: string) => {
      printed[name] += text
      return true
    },
  })
  const io: Io = { stdout: stream('stdout'), stderr: stream('stderr'), environment: {}, cwd: tmpdir() }
  const code = await run(argv, io)
  return { code, ...printed }
}

/** Something that an argument or an option takes. */
const sampleOf = ({ words = [], placeholder }: Parameter) => words[0] ?? (placeholder === 'number' ? '1' : '2026-01-01')

const requiredArguments = ({ args = {} }: Command) =>
  Object.values(args)
    .filter(({ required }) => required)
    .map(sampleOf)

const requiredOptions = ({ options = {} }: Command) =>
  Object.entries(options)
    .filter(([, { required }]) => required)
    .flatMap(([key, parameter]) => [optionName(key), sampleOf(parameter)])

type Place = { path: string[]; command: Command }

function below(command: Command, path: string[]): Place[] {
  const children = Object.entries(command.commands ?? {})
  return [{ path, command }, ...children.flatMap(([name, child]) => below(child, [...path, name]))]
}

async function everyPlace(): Promise<Place[]> {
  const top = Object.entries(words).map(async ([name, { load }]) => below((await load()).command, [name]))
  return (await Promise.all(top)).flat()
}

test('every word and every word below it explains itself, with --json and how to choose a server', async () => {
  for (const { path } of await everyPlace()) {
    const { code, stdout, stderr } = await typed([...path, '--help'])
    assert.deepEqual([path.join(' '), code, stderr], [path.join(' '), 0, ''])
    assert.match(stdout, new RegExp(`^Usage: keel ${path.join(' ')}`))
    assert.match(stdout, /--json/)
    assert.match(stdout, /--server <url>/)
  }
})

test('every option says what it is for, and no option hides one that every command takes', async () => {
  for (const { path, command } of await everyPlace()) {
    assert.ok(command.summary.length > 3, path.join(' '))
    for (const [key, parameter] of Object.entries(command.options ?? {})) {
      const option = `${path.join(' ')} ${optionName(key)}`
      assert.ok(parameter.help.length > 2, `${option} says nothing`)
      assert.ok(!(key in commonOptions), option)
    }
  }
})

test('a word that an option or an argument does not know is refused before anything is asked', async (t) => {
  let requests = 0
  const server = createServer((_request, response) => {
    requests += 1
    response.end('{}')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => server.close())
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  const looked: string[] = []
  for (const { path, command } of await everyPlace()) {
    const line = [...path, ...requiredArguments(command), ...requiredOptions(command)]
    for (const [key, { words: allowed }] of Object.entries(command.options ?? {})) {
      if (!allowed) continue
      const option = optionName(key)
      const { code, stderr } = await typed([...line, option, 'nonesuch', '--server', url])
      const last = allowed.at(-1) ?? ''
      assert.deepEqual([option, code, stderr.includes(`${option} cannot be "nonesuch"`)], [option, 2, true], stderr)
      assert.ok(stderr.includes(last), stderr)
      assert.ok((await typed([...path, '--help'])).stdout.includes(last), `the help of ${path} does not show ${last}`)
      looked.push(`${path.join(' ')} ${option}`)
    }
  }
  assert.ok(looked.length >= 15, looked.join('\n'))
  assert.equal(requests, 0)
})

test('the first help names every word and the exit codes', async () => {
  const { code, stdout } = await typed(['--help'])
  assert.equal(code, 0)
  for (const name of Object.keys(words)) assert.match(stdout, new RegExp(`^  ${name}\\b`, 'm'))
  assert.match(stdout, /3 gate failed · 4 cannot tell · 5 refused by policy · 6 server unreachable/)
})

test('what only reads prints JSON on stdout and nothing else there, also on a project with nothing in it', async (t) => {
  const cwd = project(t)
  const { printed } = await keelRunning(t, ['up', '--port', '0'], { cwd, until: /http:\/\/\S+/ })
  const server = /http:\/\/\S+?(?=[\s.]*$|\s)/m.exec(printed())?.[0] ?? ''
  const reading = [
    ['status'],
    ['data', 'list'],
    ['pipelines', 'list'],
    ['runs', 'list'],
    ['models', 'list'],
    ['prompts', 'list'],
    ['golden', 'list'],
    ['events'],
    ['alerts', 'list'],
    ['review'],
    ['config', 'explain'],
    ['doctor'],
  ]
  for (const words of reading) {
    const { code, stdout } = await keel([...words, '--json', '--server', server], { cwd })
    const wrong = `keel ${words.join(' ')} --json: exit ${code}, ${stdout.slice(0, 200)}`
    assert.equal(code, 0, wrong)
    assert.doesNotThrow(() => JSON.parse(stdout), wrong)
  }
})

test('without a server a command starts the app for itself on the folder; another one waits for it', async (t) => {
  const cwd = project(t)
  const commands = await Promise.all(Array.from({ length: 4 }, () => keel(['status', '--json'], { cwd })))
  for (const { code, stdout, stderr } of commands) assert.equal(code, 0, stdout + stderr)
  assert.ok(existsSync(join(cwd, '.keel', 'keel.db')))
  assert.equal((await keel(['status', '--json'], { cwd })).code, 0)
})

test('a missing argument and an unknown option are exit code 2 and name what is wrong', async () => {
  const missing = await typed(['release'])
  assert.equal(missing.code, 2)
  assert.match(missing.stderr, /missing required argument/)
  const unknown = await typed(['status', '--jsn'])
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /--jsn/)
})

test('completion is a script that its shell accepts, and knows every word and what options may be', async () => {
  const bash = await typed(['completion', 'bash'])
  const checked = spawnSync('bash', ['-n'], { input: bash.stdout })
  assert.equal(checked.status, 0, String(checked.stderr))
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await typed(['completion', shell])
    assert.match(stdout, /viewer member admin/, `${shell} does not know the roles of a token`)
    for (const name of Object.keys(words)) assert.ok(stdout.includes(name), `${shell} does not know ${name}`)
  }
  assert.equal((await typed(['completion', 'csh'])).code, 2)
})
