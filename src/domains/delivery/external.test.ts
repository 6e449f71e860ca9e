import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { model, registered, spec } from '../../../test/support/trips.ts'
import { hour } from '../../core/duration.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec/model-spec.ts'

type External = NonNullable<ModelSpec['delivery']['external']>

/** A program that writes what it was told into a file, and ends as the file beside it says. */
const program = `
const { appendFileSync, existsSync, readFileSync } = require('node:fs')
const { KEEL_ACTION, KEEL_VERSION, KEEL_SHARE, SECRET, PASSED } = process.env
appendFileSync('told.jsonl', JSON.stringify({ KEEL_ACTION, KEEL_VERSION, KEEL_SHARE, SECRET, PASSED, args: process.argv.slice(2) }) + '\\n')
const answers = existsSync('answers.json') ? JSON.parse(readFileSync('answers.json', 'utf8')) : {}
if (answers[KEEL_ACTION] === 'hang') setInterval(() => {}, 1000)
else process.exitCode = answers[KEEL_ACTION] ?? 0
`

async function begin(t: TestContext, given: Partial<External> = {}) {
  const { app, client } = await testServer(t, { from: registered })
  const { root } = app.ctx
  writeFileSync(join(root, 'act.cjs'), program)
  const act = (timeout = '20s') => ({
    command: [process.execPath, 'act.cjs', '$(touch injected)', '; touch injected'],
    timeout,
  })
  const external: External = { deploy: act(), rollback: act(), verify: act(), ...given }
  const quality = { ...spec.success.quality, against: 'baseline' as const }
  await registry.applySpec(app.ctx, { ...spec, success: { quality }, delivery: { ...spec.delivery, external } })
  const version = 1
  await client.evaluation.runGate({ model, version })
  const told = () =>
    existsSync(join(root, 'told.jsonl'))
      ? readFileSync(join(root, 'told.jsonl'), 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Record<string, string>)
      : []
  const answers = (codes: Record<string, number | string>) =>
    writeFileSync(join(root, 'answers.json'), JSON.stringify(codes))
  const pass = (hours: number) =>
    client.system.advanceClock({ to: new Date(app.ctx.now().getTime() + hours * hour).toISOString() })
  const acts = () =>
    told().map(({ KEEL_ACTION, KEEL_VERSION, KEEL_SHARE }) => `${KEEL_ACTION} v${KEEL_VERSION} ${KEEL_SHARE}`)
  return { app, client, version, told, answers, pass, acts, root, act }
}

test('a model with an external deployment is deployed step by step, verified on each, and rolled back, with the same log', async (t) => {
  const { client, version, pass, acts } = await begin(t)
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await pass(1.1)
  assert.deepEqual(acts().slice(0, 1), ['deploy v1 0.5'])
  await pass(1.1)
  const { state, history } = await client.delivery.getRollout({ release: id })
  assert.equal(state, 'promoted', JSON.stringify(history))
  assert.ok(acts().includes('verify v1 0.5'))
  assert.equal(acts().at(-1), 'deploy v1 1')
  const back = await client.delivery.rollback({ model, reason: 'a doubt' })
  assert.deepEqual(acts().slice(-2), ['rollback v0 1', 'verify v0 1'])
  assert.ok(back.seconds > 0)
  const { spans } = await client.delivery.timeline({ model })
  assert.deepEqual(
    spans.map((span) => span.version),
    [0, 1, 0],
  )
  assert.equal((await client.delivery.metrics({ model })).rollbackSeconds.incidents.length, 1)
})

test('a check that fails takes the release back; one that cannot tell holds it', async (t) => {
  const { client, version, pass, answers, acts } = await begin(t)
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  answers({ verify: 4 })
  await pass(3)
  assert.equal((await client.delivery.getRollout({ release: id })).state, 'holding')
  answers({})
  await client.delivery.pause({ release: id })
  answers({ verify: 1 })
  await client.delivery.resume({ release: id })
  answers({ verify: 1 })
  await pass(0.01)
  // The rollback's own check fails too: nothing is claimed that did not happen, and it is tried again.
  assert.notEqual((await client.delivery.getRollout({ release: id })).state, 'promoted')
  answers({})
  await client.delivery.abort({ release: id })
  assert.equal((await client.delivery.getRollout({ release: id })).state, 'rolled_back')
  assert.deepEqual(acts().slice(-2), ['rollback v0 1', 'verify v0 1'])
})

test('a deploy that fails or hangs changes nothing here, and says what the command said', async (t) => {
  const { client, version, answers, act } = await begin(t, { deploy: { command: ['no-such-program'] } })
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await assert.rejects(client.delivery.skip({ release: id, step: -1 }), /no-such-program/)
  assert.equal((await client.delivery.getRollout({ release: id })).step, -1)
  const { items } = await client.system.events({ type: 'delivery.act_failed' })
  assert.deepEqual([items[0]?.data['release'], items[0]?.data['action']], [id, 'deploy'])
  answers({})
  const { client: other, version: first, answers: say } = await begin(t, { deploy: act('1s') })
  const hanging = await other.delivery.release({ model, version: first, reason: 'first' })
  say({ deploy: 'hang' })
  await assert.rejects(other.delivery.skip({ release: hanging.id, step: -1 }), /took longer than 1s/)
  assert.equal((await other.delivery.getRollout({ release: hanging.id })).share, 0)
})

test('commands run without a shell and see nothing of the environment that the spec does not list', async (t) => {
  process.env['SECRET'] = 'of the server'
  process.env['PASSED'] = 'on purpose'
  t.after(() => {
    delete process.env['SECRET']
    delete process.env['PASSED']
  })
  const { client, version, told, root } = await begin(t, { environment: ['PASSED'] })
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await client.delivery.skip({ release: id, step: -1 })
  assert.deepEqual(
    told().map(({ SECRET, PASSED, args }) => ({ SECRET, PASSED, args })),
    [{ SECRET: undefined, PASSED: 'on purpose', args: ['$(touch injected)', '; touch injected'] as unknown as string }],
  )
  assert.equal(existsSync(join(root, 'injected')), false)
})

test('webhooks are told the same, through the guarded door only', async (t) => {
  const bodies: Record<string, unknown>[] = []
  const receiver = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    bodies.push(JSON.parse(text))
    response.writeHead(200).end()
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  t.after(() => receiver.close())
  const address = receiver.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const hook = { webhook: `http://127.0.0.1:${port}/hook` }
  const { app, client, version } = await begin(t, { deploy: hook, rollback: hook, verify: hook })
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await assert.rejects(client.delivery.skip({ release: id, step: -1 }), /is not called/)
  assert.deepEqual(bodies, [])
  Object.assign(app.ctx.config, { egress: `127.0.0.1:${port}` })
  await client.delivery.skip({ release: id, step: -1 })
  assert.deepEqual([bodies[0]?.['action'], bodies[0]?.['model'], bodies[0]?.['share']], ['deploy', model, '0.5'])
})
