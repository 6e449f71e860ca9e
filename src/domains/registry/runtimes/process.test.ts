import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../../../test/support/folder.ts'
import { misdeeds } from '../../../../test/support/scorer.ts'
import { serveRemote } from '../../../../test/support/served.ts'
import { model } from '../../../../test/support/trips.ts'
import { until } from '../../../../test/support/until.ts'

const scorer = fileURLToPath(new URL('../../../../test/support/scorer.ts', import.meta.url))
const run = { protocol: 'mlflow' as const, command: [process.execPath, scorer, '{port}'] }

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('an endpoint is answered by a process of its own, which is started again when it dies, and ends with the server', async (t) => {
  const { app, ask, client } = await serveRemote(t, { serves: { run }, baseline: 0.5 })
  assert.deepEqual(await ask(0.25).then(({ output, release }) => [output, release]), [0.25, `${model}.r1`])
  const state = async () => (await client.serving.getEndpoint({ endpoint: model })).versions[0]
  assert.equal((await state())?.kind, 'process')
  if (process.platform === 'linux') assert.ok(Number((await state())?.memoryBytes) > 1_000_000)
  assert.equal((await ask(misdeeds.die)).release, `${model}.r0`, 'the baseline answers for a process that dies')
  await until(async () => (await state())?.ready, 'the process to be ready again', { within: 60_000 })
  assert.equal((await state())?.restarts, 1)
  assert.equal((await ask(0.75)).output, 0.75)
  await app.close()
})

test('a command that does not exist, ends at once or is never ready is refused, and says what it wrote', async (t) => {
  const never = ['-e', 'console.log("waiting for a licence"); setInterval(() => {}, 1000)']
  const refused = (command: string[], said: RegExp) =>
    assert.rejects(serveRemote(t, { serves: { run: { ...run, command, start_within: '1s' } } }), said)
  await refused(['no-such-program-here', '{port}'], /ended before it was ready: .*not found/)
  await refused([process.execPath, '-e', 'console.error("no weights"); process.exit(3)'], /no weights/)
  await refused([process.execPath, ...never], /not ready within 1s: waiting for a licence/)
})

test('the words of a command are never read by a shell', async (t) => {
  const command = [process.execPath, scorer, '{port}', '$(exit 9)', '; exit 9', '`exit 9`']
  const { ask } = await serveRemote(t, { serves: { run: { ...run, command } } })
  assert.equal((await ask(0.25)).output, 0.25)
})

test('a process sees nothing of the environment but the path and what its spec lists', async (t) => {
  process.env['TRIPS_SECRET'] = 'hush'
  process.env['TRIPS_PLAIN'] = 'seen'
  t.after(() => {
    delete process.env['TRIPS_SECRET']
    delete process.env['TRIPS_PLAIN']
  })
  const shows = 'console.error(process.env.TRIPS_PLAIN, process.env.TRIPS_SECRET); process.exit(3)'
  const serves = { run: { ...run, command: [process.execPath, '-e', shows], environment: ['TRIPS_PLAIN'] } }
  await assert.rejects(serveRemote(t, { serves }), /seen undefined/)
})

test('a process that takes more memory than it may is ended and started again', {
  skip: process.platform !== 'linux' && 'memory is read from /proc',
}, async (t) => {
  const greedy = `const kept = []; setTimeout(() => kept.push(Buffer.alloc(300e6, 1)), 500); process.argv[1] = ''; import(${JSON.stringify(scorer)}).then((m) => m.startScorer(Number(process.argv[2])))`
  const command = [process.execPath, '-e', greedy, 'x', '{port}']
  const { client } = await serveRemote(t, { serves: { run: { ...run, command, memory: '250MB' } } })
  const restarts = async () => (await client.serving.getEndpoint({ endpoint: model })).versions[0]?.restarts ?? 0
  await until(restarts, 'the process to be started again', { within: 60_000 })
})

test('kill -9 of the server leaves no process of a model behind', async () => {
  const file = fileURLToPath(new URL('../../../../test/support/serving-child.ts', import.meta.url))
  const server = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString('utf8'))
  assert.ok(isAlive(pid))
  server.kill('SIGKILL')
  await until(() => !isAlive(pid), `the end of process ${pid}`)
})

test('a program that is named by its full path finds the programs beside it', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'helper-beside'), `#!/bin/sh\nexec "${process.execPath}" "${scorer}" "$1"\n`, {
    mode: 0o755,
  })
  writeFileSync(join(folder, 'serve'), '#!/bin/sh\nexec helper-beside "$1"\n', { mode: 0o755 })
  const { ask } = await serveRemote(t, { serves: { run: { ...run, command: [join(folder, 'serve'), '{port}'] } } })
  assert.equal((await ask(0.25)).output, 0.25)
})
