import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { testServer } from '../support/context.ts'
import { raw, rawJson } from '../support/raw-http.ts'

/** A service of our own network that nobody outside may make the server call. */
async function inside(t: TestContext, redirectTo?: string) {
  const calls: string[] = []
  const server = createServer((request, reply) => {
    calls.push(`${request.method} ${request.url}`)
    if (redirectTo === undefined) reply.end('internal secret')
    else reply.writeHead(302, { location: redirectTo }).end('internal secret')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const address = server.address()
  return { calls, host: `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}` }
}

const events = [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }]

test('no webhook leads inside, however the address is written, and neither answer nor error tells what is there', async (t) => {
  const { calls, host } = await inside(t)
  const { url, app } = await testServer(t)
  const [, port] = host.split(':')
  const spellings = [
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    '0177.0.0.1',
    '0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
  ]
  const addresses = [
    ...spellings.flatMap((name) => [`http://${name}:${port}/`, `https://${name}:${port}/`]),
    `http://localhost:${port}/`,
    'http://169.254.169.254/latest/meta-data/',
    'https://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
    'https://10.0.0.1/',
    'https://192.168.1.1/',
    'https://user:pass@example.com/',
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_FLUSHALL',
    'ftp://example.com/',
    'javascript:alert(1)',
  ]
  for (const address of addresses) {
    const reply = await rawJson(url, '/api/2.0/mlflow/webhooks', { name: 'x', url: address, events })
    assert.deepEqual([reply.status, JSON.parse(reply.text).error_code], [400, 'INVALID_PARAMETER_VALUE'], address)
    const ours = await rawJson(url, '/api/v1/webhooks', { name: 'x', url: address, events: ['*'] })
    assert.equal(ours.status, 400, address)
  }
  const made = await rawJson(url, '/api/2.0/mlflow/webhooks', { name: 'x', url: `https://localhost:${port}/`, events })
  const { webhook } = JSON.parse(made.text)
  const tried = await rawJson(url, `/api/2.0/mlflow/webhooks/${webhook.webhook_id}/test`, {})
  assert.equal(JSON.parse(tried.text).result.success, false)
  assert.ok(!tried.text.includes('internal secret'))
  await rawJson(url, '/api/2.0/mlflow/registered-models/create', { name: 'm' })
  await app.worker.drain()
  assert.deepEqual(calls, [])
})

test('a redirect to the inside is not followed, by a test or by a delivery, and its text is told to nobody', async (t) => {
  const target = await inside(t)
  const front = await inside(t, `http://${target.host}/admin`)
  const { url, app } = await testServer(t, { settings: { egress: front.host } })
  const made = await rawJson(url, '/api/2.0/mlflow/webhooks', { name: 'x', url: `http://${front.host}/`, events })
  const { webhook } = JSON.parse(made.text)
  const tried = await rawJson(url, `/api/2.0/mlflow/webhooks/${webhook.webhook_id}/test`, {})
  assert.deepEqual(JSON.parse(tried.text).result, { success: false, response_status: 302 })
  await rawJson(url, '/api/2.0/mlflow/registered-models/create', { name: 'm' })
  await app.worker.drain()
  const log = await raw(url, `/api/v1/webhooks/${webhook.webhook_id}/deliveries`)
  assert.ok(!log.text.includes('internal secret'))
  assert.deepEqual([front.calls, target.calls], [['POST /', 'POST /'], []])
})

test('places of artifacts on other servers are remembered for clients and never called by this one', async (t) => {
  const { calls, host } = await inside(t)
  const { url, app } = await testServer(t)
  const post = async (path: string, body: object) => rawJson(url, `/api/2.0/mlflow/${path}`, body)
  const created = await post('experiments/create', { name: 'away', artifact_location: `http://${host}/store` })
  const { experiment_id } = JSON.parse(created.text)
  const { run } = JSON.parse((await post('runs/create', { experiment_id })).text)
  await post('registered-models/create', { name: 'm' })
  await post('model-versions/create', { name: 'm', source: `http://${host}/store/model` })
  const { run_id } = run.info
  for (const path of [
    `/api/2.0/mlflow/artifacts/list?run_id=${run_id}`,
    `/get-artifact?run_id=${run_id}&path=x`,
    '/api/2.0/mlflow/model-versions/get-download-uri?name=m&version=1',
    `/api/2.0/mlflow-artifacts/artifacts?path=http://${host}/store`,
    `/api/2.0/mlflow-artifacts/artifacts/http://${host}/store/x`,
  ]) {
    const reply = await raw(url, path)
    assert.ok(reply.status < 500, `${path} answered ${reply.status}`)
    assert.ok(!reply.text.includes('internal secret'))
  }
  await app.worker.drain()
  assert.deepEqual(calls, [])
})
