import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testServer } from '../../../../test/support/context.ts'
import { temporaryFolder } from '../../../../test/support/folder.ts'
import { spec } from '../../../../test/support/trips.ts'
import { until } from '../../../../test/support/until.ts'
import type { Context } from '../../../core/context.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../serving.ts'

const scorer = fileURLToPath(new URL('../../../../test/support/scorer.ts', import.meta.url))

/** A model server that is ready once a file "go" lies in the folder, and ends at once where one named "broken" does. */
const program = `
const { existsSync, writeFileSync } = require('node:fs')
const [folder, model, port] = process.argv.slice(1)
writeFileSync(folder + '/began-' + model, String(process.pid))
if (existsSync(folder + '/broken')) { console.error('no weights'); process.exit(3) }
const timer = setInterval(() => {
  if (!existsSync(folder + '/go')) return
  clearInterval(timer)
  import(${JSON.stringify(scorer)}).then(({ startScorer }) => startScorer(Number(port)))
}, 10)`

const slow = ['slow-one', 'slow-two']
const quick = 'quick-one'

async function establish(ctx: Context, folder: string): Promise<void> {
  const run = { protocol: 'mlflow' as const, command: [process.execPath, '-e', program, folder, '{model}', '{port}'] }
  for (const model of [...slow, quick]) {
    const serves = model === quick ? {} : { run }
    await registry.applySpec(ctx, { ...spec, model, serves: { output: 'regression', ...serves } })
    await registry.setBaseline(ctx, { model, value: 0.5 })
    const signature = {
      inputs: [{ name: 'good', type: 'number' as const }],
      output: { name: 'p', type: 'number' as const },
    }
    const constant = { flavor: 'constant' as const, constant: 0.75 }
    await registry.registerVersion(ctx, { model, signature, ...(model === quick ? constant : { flavor: 'remote' }) })
    const routing = {
      endpoint: model,
      live: { release: `${model}.r1`, version: 1 },
      canary: null,
      shadow: null,
      warm: [{ release: `${model}.r0`, version: 0 }],
    }
    await serving.prepareRouting(ctx, routing)
    await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
  }
}

/** A server that was stopped, and what starts it again on the same data. */
async function stopped(t: TestContext) {
  const root = temporaryFolder(t)
  const folder = join(root, 'signs')
  mkdirSync(folder)
  const sign = (name: string) => join(folder, name)
  writeFileSync(sign('go'), '')
  const { app } = await testServer(t, { root })
  await establish(app.ctx, folder)
  const { database } = app.ctx.config
  await app.close()
  for (const model of slow) rmSync(sign(`began-${model}`))
  rmSync(sign('go'))
  async function start() {
    const again = await testServer(t, { root, settings: { database } })
    const ask = (endpoint: string) =>
      fetch(`${again.url}/api/v1/predict/${endpoint}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: { good: 0.25 } }),
      })
    const status = async (path: string) => (await fetch(`${again.url}${path}`)).status
    return { ...again, ask, status }
  }
  return { sign, start }
}

test('a server answers at once while processes of its models start beside each other, and says of these that they load', async (t) => {
  const { sign, start } = await stopped(t)
  const { ask, status, client, url } = await start()
  await until(() => slow.every((model) => existsSync(sign(`began-${model}`))), 'both processes to be under way')
  assert.equal((await ask(quick)).status, 200)
  for (const model of slow) {
    const reply = await ask(model)
    const problem = (await reply.json()) as { code: string; detail: string; name: string }
    assert.deepEqual([reply.status, reply.headers.get('retry-after'), problem.code], [503, '1', 'not_ready'])
    assert.equal(problem.detail, `"${model}" is still loading version 1.`)
    assert.equal(await status(`/v2/models/${model}/ready`), 400)
  }
  const ready = await fetch(`${url}/v2/health/ready`)
  assert.deepEqual([ready.status, ready.headers.get('retry-after')], [503, '1'])
  assert.deepEqual([await status('/v2/health/live'), await status(`/v2/models/${quick}/ready`)], [200, 200])
  const { notLoaded } = await client.serving.getEndpoint({ endpoint: 'slow-one' })
  assert.deepEqual(notLoaded, [{ release: 'slow-one.r1', version: 1, state: 'loading', reason: null }])

  writeFileSync(sign('go'), '')
  await until(async () => (await status('/v2/health/ready')) === 200, 'all models to be ready', { within: 60_000 })
  for (const model of slow) {
    const { output, release } = (await (await ask(model)).json()) as { output: number; release: string }
    assert.deepEqual([output, release], [0.25, `${model}.r1`])
    assert.equal(await status(`/v2/models/${model}/ready`), 200)
  }
})

test('a server that stops while a model loads leaves no process behind and does not wait for it', async (t) => {
  const { sign, start } = await stopped(t)
  const { app } = await start()
  await until(() => slow.every((model) => isThere(sign(`began-${model}`))), 'both processes to be under way')
  const pids = slow.map((model) => Number(readFileSync(sign(`began-${model}`), 'utf8')))
  assert.deepEqual(pids.map(isAlive), [true, true])
  await app.close()
  assert.deepEqual(pids.map(isAlive), [false, false])
})

function isThere(path: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8') !== ''
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a release that cannot be started after a restart is stood in for under its own name, told, and comes back by itself', async (t) => {
  const { sign, start } = await stopped(t)
  writeFileSync(sign('broken'), '')
  const { app, ask, status, client } = await start()
  const events = async () => (await client.system.events({ subject: 'model/slow-one' })).items.map(({ type }) => type)
  await until(async () => (await events()).includes('serving.release_not_started'), 'the failure to be told')
  await until(async () => (await status('/v2/health/ready')) === 200, 'the other one to have failed too')
  const answer = (await (await ask('slow-one')).json()) as { output: number; release: string; marks: string[] }
  assert.deepEqual([answer.output, answer.release, answer.marks], [0.5, 'slow-one.r0', ['stand_in']])
  const [missing] = (await client.serving.getEndpoint({ endpoint: 'slow-one' })).notLoaded
  assert.deepEqual([missing?.release, missing?.state], ['slow-one.r1', 'failed'])
  assert.match(missing?.reason ?? '', /no weights/)
  const alerts = async (state: 'firing' | 'resolved') =>
    (await client.monitoring.listAlerts({ model: 'slow-one', state })).items.map(({ subject }) => subject)
  await until(async () => (await alerts('firing')).length > 0, 'the alert')
  assert.deepEqual(await alerts('firing'), ['start/slow-one.r1'])
  const { notStarted } = await client.review.status({})
  assert.deepEqual(
    notStarted.map(({ release }) => release),
    ['slow-one.r1', 'slow-two.r1'],
  )

  rmSync(sign('broken'))
  writeFileSync(sign('go'), '')
  const isBack = async () => ((await (await ask('slow-one')).json()) as { release: string }).release === 'slow-one.r1'
  await until(isBack, 'the release to answer again', { within: 60_000, every: 200 })
  await until(async () => (await events()).includes('serving.release_started'), 'its return to be told')
  assert.deepEqual((await client.serving.getEndpoint({ endpoint: 'slow-one' })).notLoaded, [])
  await until(async () => (await alerts('resolved')).length > 0, 'the alert to be resolved')
  await app.close()
})

test('what the server before this one could not start is told to answer again when this one starts it', async (t) => {
  const { sign, start } = await stopped(t)
  writeFileSync(sign('broken'), '')
  const first = await start()
  const firing = async ({ client }: typeof first) => (await client.monitoring.listAlerts({ state: 'firing' })).items
  await until(async () => (await firing(first)).length === slow.length, 'both alerts')
  await first.app.close()
  rmSync(sign('broken'))
  writeFileSync(sign('go'), '')
  const second = await start()
  await until(async () => (await firing(second)).length === 0, 'both alerts to be resolved', { within: 60_000 })
})
