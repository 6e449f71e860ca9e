import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { model, registered } from '../../../test/support/trips.ts'
import { transaction } from '../../core/transaction.ts'
import * as serving from '../../domains/serving/serving.ts'

async function begin(t: TestContext) {
  const { app, url } = await testServer(t, { from: registered })
  const version = 1
  const routing = { endpoint: model, live: { release: `${model}.r1`, version }, canary: null, shadow: null, warm: [] }
  await serving.prepareRouting(app.ctx, routing)
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, routing))
  return async (body: unknown, type = 'application/json', path = `/serve/${model}/invocations`) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const reply = await fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': type }, body: text })
    return { status: reply.status, body: (await reply.json()) as Record<string, unknown> }
  }
}

const rows = [
  { city: 'Bonn', good: 0.25, wrong: 0.5 },
  { city: 'Ulm', good: 0.75, wrong: 0.5 },
]
const table = rows.map(({ city, good, wrong }) => [city, good, wrong])

test('all forms of MLflow’s scoring protocol give the same answers', async (t) => {
  const ask = await begin(t)
  const forms = [
    { dataframe_split: { columns: ['city', 'good', 'wrong'], data: table } },
    {
      dataframe_split: {
        index: [0, 1],
        columns: ['good', 'city', 'wrong'],
        data: rows.map((row) => [row.good, row.city, row.wrong]),
      },
    },
    { dataframe_records: rows, params: { depth: 1 } },
    { instances: rows },
    { instances: table },
    { inputs: rows },
    { inputs: { city: ['Bonn', 'Ulm'], good: [[0.25], [0.75]], wrong: [0.5, 0.5] } },
  ]
  for (const form of forms) {
    const reply = await ask(form)
    assert.deepEqual([reply.status, reply.body], [200, { predictions: [0.25, 0.75] }], JSON.stringify(form))
  }
  const csv = 'city,good,wrong\nBonn,0.25,0.5\nUlm,0.75,0.5\n'
  assert.deepEqual((await ask(csv, 'text/csv; charset=utf-8')).body, { predictions: [0.25, 0.75] })
})

test('what is not exactly one form, or does not fit the model, is a 400 with MLflow’s error code', async (t) => {
  const ask = await begin(t)
  const bad: [unknown, RegExp][] = [
    ['', /not JSON/],
    [{}, /Exactly one of/],
    [{ instances: rows, inputs: rows }, /instances and inputs/],
    [{ dataframe_split: { columns: ['city'], data: table } }, /has 3 values/],
    [{ dataframe_split: { columns: 'city' } }, /must be a list/],
    [{ dataframe_split: { columns: ['city', 'good', 'city'], data: table } }, /"city" is given twice/],
    [{ dataframe_records: [1] }, /must be an object/],
    [{ inputs: { city: ['Bonn'], good: [1, 2], wrong: [1] } }, /"inputs.good" has 2 values/],
    [{ instances: [{ ...rows[0], good: 'high' }] }, /"good" must be a number/],
    [{ instances: [] }, /no row/],
  ]
  for (const [body, pattern] of bad) {
    const reply = await ask(body)
    assert.deepEqual([reply.status, reply.body['error_code']], [400, 'BAD_REQUEST'], JSON.stringify(reply.body))
    assert.match(String(reply.body['message']), pattern)
  }
})

test('another charset, another parameter and another type are 415; an unknown endpoint is 404', async (t) => {
  const ask = await begin(t)
  for (const type of ['application/json; charset=latin-1', 'application/json; profile=x', 'text/html'])
    assert.equal((await ask({ instances: rows }, type)).status, 415)
  assert.equal((await ask({ instances: rows }, 'application/json', '/serve/nothing/invocations')).status, 404)
})
