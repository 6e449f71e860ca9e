import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testApp, testContext, testServer } from '../../../test/support/context.ts'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { day, hour } from '../../core/duration.ts'
import { AppError } from '../../core/errors.ts'
import * as registry from '../registry/registry.ts'
import * as webhooks from './webhooks.ts'

type Answer = {
  webhook: { webhook_id: string; name: string; events: object[]; status: string }
  webhooks: object[]
  result: object
  error_code: string
}
type Received = { headers: IncomingHttpHeaders; body: string }

/** A receiver that answers with the given statuses in turn, then with 200. */
async function receiver(t: TestContext, statuses: number[] = [], headers: Record<string, string> = {}) {
  const received: Received[] = []
  const server = createServer(async (request, reply) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    received.push({ headers: request.headers, body })
    reply.writeHead(statuses.shift() ?? 200, headers).end('an answer that nobody reads')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const address = server.address()
  const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return { received, host, url: `http://${host}/hook`, settings: { egress: host } }
}

const secret = 'a secret of the receiver'

test('what happens is told with a signature that the receiver can check, once per event', async (t) => {
  const { received, url, settings } = await receiver(t)
  const { app, client } = await testServer(t, { settings })
  await client.webhooks.create({ name: 'ci', url, events: ['registry.*'], secret })
  await client.registry.createModel({ name: 'm' })
  await app.worker.drain()
  const [{ headers, body } = { headers: {}, body: '' }] = received
  assert.equal(received.length, 1)
  const told = JSON.parse(body)
  assert.deepEqual([told.type, told.subject, told.actor], ['registry.model_created', 'model/m', 'local'])
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const expected = `v1,${createHmac('sha256', secret).update(text).digest('base64')}`
  assert.equal(headers['webhook-signature'], expected)
})

test('429, 5xx and a closed door are tried again with the same bytes under the same id, and the log says so', async (t) => {
  const { received, url, settings } = await receiver(t, [503, 429])
  const { app, client } = await testServer(t, { settings })
  const { id } = await client.webhooks.create({ name: 'ci', url, events: ['registry.model_created'] })
  await client.registry.createModel({ name: 'm' })
  await app.worker.drain()
  const [waiting] = (await client.webhooks.deliveries({ webhook: id })).items
  assert.deepEqual([waiting?.state, waiting?.attempts, waiting?.status], ['pending', 1, 503])
  assert.ok(waiting?.nextAt && waiting.nextAt > waiting.createdAt)
  await app.worker.advance(new Date(app.ctx.now().getTime() + hour))
  const [done] = (await client.webhooks.deliveries({ webhook: id })).items
  assert.deepEqual([done?.state, done?.attempts, done?.status, done?.error], ['delivered', 3, 200, null])
  assert.equal(new Set(received.map(({ body }) => body)).size, 1)
  assert.equal(new Set(received.map(({ headers }) => headers['webhook-id'])).size, 1)
})

test('what is refused for good is not tried again, until somebody asks for it', async (t) => {
  const { received, url, settings } = await receiver(t, [410])
  const { app, client } = await testServer(t, { settings })
  const { id } = await client.webhooks.create({ name: 'ci', url, events: ['*'] })
  await app.worker.advance(new Date(app.ctx.now().getTime() + day))
  const [failed] = (await client.webhooks.deliveries({ webhook: id })).items
  assert.deepEqual([failed?.state, failed?.attempts, failed?.status], ['failed', 1, 410])
  await client.webhooks.redeliver({ delivery: failed?.id ?? '' })
  await app.worker.drain()
  const [done] = (await client.webhooks.deliveries({ webhook: id })).items
  assert.equal(done?.state, 'delivered')
  assert.equal(received[0]?.headers['webhook-id'], received[1]?.headers['webhook-id'])
})

test('what was not delivered when the server ended is delivered by the next one', async (t) => {
  const { received, url, settings } = await receiver(t, [503])
  const root = temporaryFolder(t)
  const first = await testApp(t, { root, settings })
  const { database } = first.ctx.config
  await webhooks.create(first.ctx, { name: 'ci', url, events: ['registry.*'] })
  await registry.createModel(first.ctx, { name: 'tried before' })
  await first.worker.drain()
  await registry.createModel(first.ctx, { name: 'not even tried' })
  await first.close()
  const second = await testApp(t, { root, settings: { ...settings, database }, start: first.ctx.now() })
  await second.worker.advance(new Date(second.ctx.now().getTime() + 60_000))
  const subjects = received.map(({ body }) => JSON.parse(body).subject)
  assert.deepEqual(subjects.sort(), ['model/not even tried', 'model/tried before', 'model/tried before'])
})

test('a redirect is not followed and counts as a refusal', async (t) => {
  const { received, url, settings } = await receiver(t, [302], { location: '/elsewhere' })
  const { app, client } = await testServer(t, { settings })
  const { id } = await client.webhooks.create({ name: 'ci', url, events: ['*'] })
  await app.worker.drain()
  const [failed] = (await client.webhooks.deliveries({ webhook: id })).items
  assert.deepEqual([received.length, failed?.state, failed?.status], [1, 'failed', 302])
})

test('secrets are sealed in the database, and neither replies nor the audit log hold them', async (t) => {
  const { url, settings } = await receiver(t)
  const { app, client } = await testServer(t, { settings })
  const made = await client.webhooks.create({ name: 'ci', url, events: ['*'], secret })
  const shown = [made, await client.webhooks.get({ webhook: made.id }), await client.webhooks.list({})]
  const events = await client.system.events({})
  assert.equal(made.signed, true)
  assert.equal(JSON.stringify([shown, events]).includes(secret), false)
  const key = join(app.ctx.folder, 'secret.key')
  assert.equal((await stat(key)).mode & 0o777, 0o600)
  const files = [key, join(app.ctx.folder, 'keel.db'), join(app.ctx.folder, 'keel.db-wal')]
  for (const file of files) {
    const bytes = await readFile(file).catch(() => Buffer.alloc(0))
    assert.equal(bytes.includes(secret), false, file)
  }
  assert.equal((await client.webhooks.update({ webhook: made.id, secret: '' })).signed, false)
})

test('an address that this server must not call is refused when it is named and when it changes', async (t) => {
  const ctx = await testContext(t)
  const invalid = (error: unknown) => error instanceof AppError && error.code === 'invalid_input'
  for (const url of ['http://example.com/', 'https://127.0.0.1/', 'https://[::ffff:10.0.0.1]/', 'ftp://example.com/'])
    await assert.rejects(async () => webhooks.create(ctx, { name: 'x', url, events: ['*'] }), invalid, url)
  const { id } = await webhooks.create(ctx, { name: 'x', url: 'https://example.com/', events: ['*'] })
  await assert.rejects(async () => webhooks.update(ctx, { webhook: id, url: 'https://169.254.169.254/' }), invalid)
})

test('a name that leads inside is refused at delivery, and a test tells nothing of what is there', async (t) => {
  const { received, url } = await receiver(t)
  const { app, client } = await testServer(t)
  const inside = url.replace('http://127.0.0.1', 'https://localhost')
  const { id } = await client.webhooks.create({ name: 'x', url: inside, events: ['registry.*'] })
  const result = await client.webhooks.test({ webhook: id })
  assert.deepEqual([result.ok, result.status], [false, null])
  await client.registry.createModel({ name: 'm' })
  await app.worker.drain()
  const [failed] = (await client.webhooks.deliveries({ webhook: id })).items
  assert.deepEqual([failed?.state, failed?.attempts, received.length], ['failed', 1, 0])
})

test('a webhook that is switched off or removed is told nothing', async (t) => {
  const { received, url, settings } = await receiver(t)
  const { app, client } = await testServer(t, { settings })
  const off = await client.webhooks.create({ name: 'off', url, events: ['*'], active: false })
  const gone = await client.webhooks.create({ name: 'gone', url, events: ['registry.*'] })
  await client.webhooks.remove({ webhook: gone.id })
  await client.registry.createModel({ name: 'm' })
  await app.worker.drain()
  assert.deepEqual([received.length, (await client.webhooks.deliveries({ webhook: off.id })).items.length], [0, 0])
})

test("MLflow's format tells entity, action and data of models and of prompts, under MLflow's headers", async (t) => {
  const { received, url, settings } = await receiver(t)
  const { app, client } = await testServer(t, { settings })
  await client.webhooks.create({ name: 'ml', url, events: ['*'], format: 'mlflow', secret })
  const ctx = app.ctx
  await registry.createModel(ctx, { name: 'm', tags: { team: 'a' } })
  await registry.registerVersion(ctx, { model: 'm', flavor: 'mlflow', uri: 'models:/m-1', tags: { a: 'b' } })
  await registry.setAlias(ctx, { model: 'm', alias: 'champion', version: 1 })
  await registry.tagModel(ctx, { model: 'm', key: 'untold', value: 'x' })
  await registry.createModel(ctx, { name: 'p', kind: 'prompt' })
  await registry.registerVersion(ctx, { model: 'p', flavor: 'prompt', prompt: 'Say {{it}}.' })
  await registry.tagModel(ctx, { model: 'p', key: 'k', value: 'v' })
  await app.worker.drain()
  const told = received.map(({ body }) => JSON.parse(body))
  const byName = new Map(told.map((one) => [`${one.entity}.${one.action}`, one.data]))
  assert.deepEqual(byName.get('registered_model.created'), { name: 'm', tags: { team: 'a' }, description: null })
  assert.deepEqual(byName.get('model_version.created'), {
    name: 'm',
    version: '1',
    source: 'models:/m-1',
    run_id: null,
    tags: { a: 'b' },
    description: null,
  })
  assert.deepEqual(byName.get('model_version_alias.created'), { name: 'm', alias: 'champion', version: '1' })
  assert.deepEqual(byName.get('prompt_version.created'), {
    name: 'p',
    version: '1',
    template: 'Say {{it}}.',
    tags: {},
    description: null,
  })
  assert.deepEqual(byName.get('prompt_tag.set'), { name: 'p', key: 'k', value: 'v' })
  assert.equal(told.length, 6)
  const [{ headers, body } = { headers: {}, body: '' }] = received
  const text = `${headers['x-mlflow-delivery-id']}.${headers['x-mlflow-timestamp']}.${body}`
  const expected = `v1,${createHmac('sha256', secret).update(text).digest('base64')}`
  assert.equal(headers['x-mlflow-signature'], expected)
})

test("MLflow's clients manage webhooks, and see neither secrets nor those of other formats", async (t) => {
  const { received, url, settings } = await receiver(t)
  const { url: server, client } = await testServer(t, { settings })
  await client.webhooks.create({ name: 'other', url, events: ['*'] })
  const ask = async (method: string, path: string, fields?: object) => {
    const reply = await fetch(`${server}/api/2.0/mlflow/webhooks${path}`, {
      method,
      ...(fields ? { body: JSON.stringify(fields), headers: { 'content-type': 'application/json' } } : {}),
    })
    return { status: reply.status, ...((await reply.json()) as Answer) }
  }
  const events = [{ entity: 'MODEL_VERSION', action: 'CREATED' }]
  const { webhook } = await ask('POST', '', { name: 'ml', url, events, secret })
  assert.deepEqual([webhook.events, webhook.status, 'secret' in webhook], [events, 'ACTIVE', false])
  const { webhooks: found } = await ask('GET', '')
  assert.deepEqual(found, [webhook])
  const { result } = await ask('POST', `/${webhook.webhook_id}/test`, {})
  assert.deepEqual(result, { success: true, response_status: 200 })
  assert.equal(JSON.parse(received[0]?.body ?? '').entity, 'model_version')
  const { webhook: off } = await ask('PATCH', `/${webhook.webhook_id}`, { status: 'DISABLED' })
  assert.deepEqual([off.status, off.name], ['DISABLED', 'ml'])
  assert.equal((await ask('DELETE', `/${webhook.webhook_id}`)).status, 200)
  assert.equal((await ask('GET', `/${webhook.webhook_id}`)).error_code, 'RESOURCE_DOES_NOT_EXIST')
  const bad = [
    { name: 'ml', url: 'http://10.0.0.1/', events },
    { name: 'ml', url: 'file:///etc/passwd', events },
    { name: '../ml', url, events },
    { name: 'ml', url, events: [] },
    { name: 'ml', url, events: [{ entity: 'MODEL_VERSION', action: 'EXPLODED' }] },
    { name: 'ml', url, events: [null] },
    { name: 7, url, events },
  ]
  for (const fields of bad) {
    const reply = await ask('POST', '', fields)
    assert.deepEqual([reply.status, reply.error_code], [400, 'INVALID_PARAMETER_VALUE'], JSON.stringify(fields))
  }
})
