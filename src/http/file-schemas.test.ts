import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testServer } from '../../test/support/context.ts'

test('an editor gets the schema of each file of a project, and no other file', async (t) => {
  const { app } = await testServer(t)
  const get = (url: string) => app.server.inject({ url, headers: { host: '127.0.0.1' } })
  for (const name of ['keel', 'sources', 'features', 'pipelines', 'models']) {
    const answer = await get(`/schemas/${name}.json`)
    assert.equal(answer.statusCode, 200, name)
    assert.equal((answer.json() as { type: string }).type, 'object')
  }
  for (const path of ['/schemas/none.json', '/schemas/..%2fpackage.json', '/schemas/keel'])
    assert.equal((await get(path)).statusCode, 404, path)
})
