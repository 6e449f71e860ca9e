import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import { begin } from '../../src/domains/delivery/delivery.fixture.ts'
import { model } from '../support/trips.ts'

const secret = 'a secret of the receiver'

test('a gate, a promotion and a rollback are told as signed CDEvents, in their order', async (t) => {
  const received: { headers: IncomingHttpHeaders; body: string }[] = []
  const server = createServer(async (request, reply) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    received.push({ headers: request.headers, body })
    reply.writeHead(200).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const address = server.address()
  const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`

  const { app, client, version } = await begin(t)
  Object.assign(app.ctx.config, { egress: host })
  await app.worker.drain()
  await client.webhooks.create({ name: 'ci', url: `http://${host}/`, events: ['*'], format: 'cdevents', secret })
  await client.evaluation.runGate({ model, version })
  const { id } = await client.delivery.release({ model, version, reason: 'first' })
  await client.delivery.promote({ release: id })
  await client.delivery.rollback({ model, reason: 'a doubt' })
  await app.worker.drain()

  const told = received.map(({ body }) => JSON.parse(body)).sort((a, b) => Number(a.id) - Number(b.id))
  assert.deepEqual(
    told.map(({ type }) => type),
    [
      'dev.cdevents.testsuiterun.finished.0.2.0',
      'dev.cdevents.service.upgraded.0.2.0',
      'dev.cdevents.service.rolledback.0.2.0',
    ],
  )
  assert.deepEqual(
    told.slice(1).map(({ data }) => data.subject.content.artifactId),
    [`pkg:generic/${model}@1`, `pkg:generic/${model}@0`],
  )
  for (const { headers, body } of received) {
    const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', secret).update(text).digest('base64')}`)
  }
})
