import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cappedFile, cappedText, environmentOf, runCommand, tail } from './process.ts'

const base = { name: 'it', cwd: tmpdir(), environment: environmentOf() }
const shell = (script: string) => ['/bin/sh', '-c', script]
const program = (script: string) => [process.execPath, '-e', script]

test('a command has its exit code, and the last of what it wrote', async () => {
  const ran = await runCommand({ ...base, command: shell('echo begins; echo ends >&2; exit 3'), output: tail(5) })
  assert.deepEqual([ran.code, ran.stopped, ran.output], [3, undefined, 'ends'])
})

test('its words are never read by a shell', async () => {
  const command = [...program('console.log(process.argv.slice(1).join())'), '$(exit 9)', '; exit 9', "'"]
  assert.equal((await runCommand({ ...base, command, output: tail(100) })).output, "$(exit 9),; exit 9,'")
})

test('a command that does not exist has the exit code 127', async () => {
  const ran = await runCommand({ ...base, command: ['no-such-program-here'], output: tail(200) })
  assert.equal(ran.code, 127)
  assert.match(ran.output, /not found/)
})

test('it reads what it is given, and nothing otherwise', async () => {
  const command = program('process.stdin.pipe(process.stdout)')
  const input = 'words '.repeat(100_000)
  assert.equal((await runCommand({ ...base, command, input, output: cappedText(1e7) })).output, input)
  assert.equal((await runCommand({ ...base, command, output: cappedText(1e7) })).output, '')
})

test('it sees no secret of the server, and what is named', async (t) => {
  process.env['KEEL_SECRET_OF_TEST'] = 'hush'
  process.env['KEEL_PLAIN_OF_TEST'] = 'seen'
  t.after(() => {
    delete process.env['KEEL_SECRET_OF_TEST']
    delete process.env['KEEL_PLAIN_OF_TEST']
  })
  const environment = environmentOf(['KEEL_PLAIN_OF_TEST'])
  const { output } = await runCommand({ ...base, environment, command: ['env'], output: cappedText(1e6) })
  assert.match(output, /^PATH=/m)
  assert.match(output, /^KEEL_PLAIN_OF_TEST=seen$/m)
  assert.doesNotMatch(output, /hush/)
})

test('who takes too long is asked to end, and may tidy up', async () => {
  const command = program(
    "process.on('SIGTERM', () => { console.log('tidy'); process.exit(7) }); setInterval(() => {}, 1e3)",
  )
  const { stopped, output } = await runCommand({ ...base, command, timeout: 2_000, output: tail(100) })
  assert.deepEqual([stopped, output], ['timeout', 'tidy'])
})

test('who does not listen is ended, with all that it started', async () => {
  const stubborn = "process.on('SIGTERM', () => {}); console.log(process.pid); setInterval(() => {}, 1e3)"
  const inner = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(stubborn)}], { stdio: 'inherit' }); ${stubborn}`
  const { stopped, output } = await runCommand({
    ...base,
    command: program(inner),
    timeout: 2_000,
    graceMilliseconds: 100,
    output: tail(100),
  })
  assert.equal(stopped, 'timeout')
  const pids = output.split('\n').map(Number)
  assert.equal(pids.length, 2)
  for (const pid of pids) while (isAlive(pid)) await sleep(20)
})

test('it is over when its caller says so', async () => {
  const aborted = AbortSignal.abort()
  const { stopped } = await runCommand({ ...base, command: shell('sleep 60'), signal: aborted, output: tail(1) })
  assert.equal(stopped, 'cancelled')
})

test('more output than may come ends it; a file takes what fits and says what was cut', async (t) => {
  const endless = program("for (;;) require('fs').writeSync(1, 'x'.repeat(1000))")
  assert.equal((await runCommand({ ...base, command: endless, output: cappedText(5_000) })).stopped, 'output')
  const folder = mkdtempSync(join(tmpdir(), 'keel-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'logs', 'log')
  await runCommand({ ...base, command: shell('printf 12345678'), output: cappedFile(path, 5) })
  assert.equal(readFileSync(path, 'utf8'), '12345\n[3 more bytes were cut]\n')
})

test('kill -9 of the server leaves no command behind', async () => {
  const script = `
    const { runCommand, tail } = await import(${JSON.stringify(new URL('./process.ts', import.meta.url).href)})
    const output = { take: (chunk) => { process.stdout.write(chunk); return true }, end: async () => '' }
    await runCommand({ name: 'it', cwd: '/', environment: {}, output, command: ['/bin/sh', '-c', 'echo $$; exec sleep 600'] })`
  const server = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString('utf8'))
  assert.ok(isAlive(pid))
  server.kill('SIGKILL')
  while (isAlive(pid)) await sleep(20)
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
