import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testServer } from '../../test/support/context.ts'
import * as datasets from '../domains/datasets/datasets.ts'

test('a body in which one object has a name twice is refused by that name, and nothing is written', async (t) => {
  const { app, url } = await testServer(t)
  await datasets.applySource(app.ctx, { source: 'trips', owner: 'ana@team.example' })
  const post = async (path: string, body: string) => {
    const reply = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    return { status: reply.status, text: await reply.text() }
  }
  const twice = await post('/sources/trips/rows', '{"rows": [{"city": "Bonn"}, {"city": "Ulm", "city": "Bonn"}]}')
  assert.equal(twice.status, 400)
  assert.match(twice.text, /\\"city\\" twice in one object/)
  assert.equal((await datasets.describeSource(app.ctx, 'trips')).lastSeq, 0)
  const once = await post('/sources/trips/rows', '{"rows": [{"city": "Bonn"}, {"city": "Ulm: \\"x\\""}]}')
  assert.equal(once.status, 200, once.text)
  const deep = await post('/sources/trips/rows', `{"rows": ${'['.repeat(60_000)}${']'.repeat(60_000)}}`)
  assert.ok(deep.status >= 400 && deep.status < 500, deep.text.slice(0, 200))
})
