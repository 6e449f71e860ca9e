import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testServer } from '../../../test/support/context.ts'
import type { ProblemError } from '../../client/client.ts'
import type { Context } from '../../core/context.ts'
import * as datasets from '../datasets/datasets.ts'
import type { DatasetsTables } from '../datasets/schema.ts'
import * as features from './features.ts'
import { keyValue } from './key-types.ts'

type Type = 'number' | 'string'
const at = '2026-01-01T00:00:00.000Z'
const period = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' }

const definitions = (type: Type) => ({
  entities: [{ name: 'rider', keys: ['rider'] }],
  views: [{ name: 'v', entity: 'rider', source: 'riders', features: ['rating', 'member'] }],
  services: [{ name: 's', request: [{ name: 'rider', type }], features: ['v:rating', 'v:member'] }],
})

async function prepare(ctx: Context, type: Type): Promise<void> {
  for (const source of ['riders', 'rides'])
    await datasets.applySource(ctx, { source, owner: 'ana@team.example', time: 'at' })
  await features.applyFeatures(ctx, definitions(type))
  await features.warmUp(ctx)
}

for (const type of ['number', 'string'] as const) {
  test(`101 and "101" are one key of type ${type}, offline and online, and parity agrees`, async (t) => {
    const { app, client } = await testServer(t)
    await prepare(app.ctx, type)
    await client.datasets.append({
      source: 'riders',
      rows: [
        { rider: '101', rating: 4.5, member: true, at },
        { rider: 102, rating: 3.5, member: false, at },
      ],
    })
    await client.datasets.append({
      source: 'rides',
      rows: [
        { rider: 101, late: 1, at: '2026-01-02T00:00:00Z' },
        { rider: 102, late: 0, at: '2026-01-02T00:01:00Z' },
      ],
    })
    const online = await client.features.getOnline({
      service: 's',
      rows: [{ rider: 101 }, { rider: '101' }, { rider: '102' }],
    })
    assert.deepEqual(
      online.rows.map(({ values }) => [values['rating'], values['member']]),
      [
        [4.5, 1],
        [4.5, 1],
        [3.5, 0],
      ],
    )
    const set = await client.features.createTrainingSet({ service: 's', source: 'rides', ...period, label: 'late' })
    const parity = await client.features.parity({ trainingSet: set.id })
    assert.deepEqual(
      parity.features.map(({ rows, differing }) => [rows, differing]),
      [
        [2, 0],
        [2, 0],
      ],
    )
    const asOf = await features.lookupAsOf(app.ctx, {
      service: 's',
      rows: [101, '102'].map((rider) => ({ time: '2026-01-03T00:00:00Z', request: { rider } })),
      asOf: 'known',
    })
    assert.deepEqual(
      asOf.map(({ rating, member }) => [rating, member]),
      [
        [4.5, 1],
        [3.5, 0],
      ],
    )
  })
}

test('a key that is no number is refused at push by row and column, and in a request by its name', async (t) => {
  const { app, client } = await testServer(t)
  await prepare(app.ctx, 'number')
  await assert.rejects(
    client.datasets.append({
      source: 'riders',
      rows: [
        { rider: 1, at },
        { rider: 'A-7', at },
      ],
    }),
    /row 2, column "rider": "A-7" must be a number/,
  )
  await assert.rejects(client.features.getOnline({ service: 's', rows: [{ rider: 'A-7' }] }), (error: ProblemError) => {
    assert.equal(error.problem.code, 'invalid_input')
    assert.match(error.problem.detail, /"rider" is "A-7"; this key must be a number/)
    return true
  })
})

test('a key of another type that is stored already is named with its source, column and value', async (t) => {
  const { app, client } = await testServer(t)
  for (const source of ['riders', 'rides'])
    await datasets.applySource(app.ctx, { source, owner: 'ana@team.example', time: 'at' })
  await client.datasets.append({
    source: 'riders',
    rows: ['A-7', '101'].map((rider) => ({ rider, rating: 1, member: true, at })),
  })
  await client.datasets.append({ source: 'rides', rows: [{ rider: 101, late: 1, at: '2026-01-02T00:00:00Z' }] })
  await features.applyFeatures(app.ctx, definitions('number'))
  await features.warmUp(app.ctx)
  const training = { service: 's', source: 'rides', ...period, label: 'late' }
  await assert.rejects(client.features.createTrainingSet(training), (error: ProblemError) => {
    assert.equal(error.problem.code, 'conflict')
    assert.match(error.problem.detail, /"riders" holds "A-7" in the column "rider"/)
    return true
  })
  const { bad } = await client.datasets.checkStoredRows({ source: 'riders' })
  assert.deepEqual(
    bad.map(({ seq, column }) => [seq, column]),
    [[1, 'rider']],
  )
  await client.datasets.removeRows({ source: 'riders', rows: [1], reason: 'no number' })
  const set = await client.features.createTrainingSet(training)
  const parity = await client.features.parity({ trainingSet: set.id })
  assert.equal(parity.features[0]?.differing, 0)
})

test('two types of one key are refused at apply, naming both', async (t) => {
  const { app } = await testServer(t)
  const { ctx } = app
  await datasets.applySource(ctx, { source: 'riders', owner: 'ana@team.example', time: 'at' })
  const one = definitions('number')
  const [service] = definitions('string').services
  const both = { ...one, services: [...one.services, { ...service, name: 'by_text' }] }
  await assert.rejects(
    features.applyFeatures(ctx, both),
    /number for the service "s", and string for the service "by_text"/,
  )
  const entities = [{ name: 'rider', keys: [{ name: 'rider', type: 'string' as const }] }]
  await assert.rejects(
    features.applyFeatures(ctx, { ...one, entities }),
    /string for the entity "rider", and number for the service "s"/,
  )
  await datasets.applySource(ctx, {
    source: 'riders',
    owner: 'ana@team.example',
    time: 'at',
    expectations: [{ column: 'rider', type: 'string' }],
  })
  await assert.rejects(
    features.applyFeatures(ctx, one),
    /number for the service "s", and string for the source "riders"/,
  )
})

test('integers beyond 2^53 are keys by every digit, offline and online', async (t) => {
  const { app, client } = await testServer(t)
  await prepare(app.ctx, 'number')
  const users = [9007199254740992n, 9007199254740993n, 1161888007138312192n, 1161888007138312193n]
  const rows = users.map((rider, index) => ({ rider, rating: index + 1, member: true, at }))
  await datasets.append(app.ctx, { source: 'riders', rows })
  await datasets.append(app.ctx, {
    source: 'rides',
    rows: users.map((rider) => ({ rider, late: 1, at: '2026-01-02T00:00:00Z' })),
  })
  const ratings = [1, 2, 3, 4]
  const online = await client.features.getOnline({
    service: 's',
    rows: users.map((rider) => ({ rider: String(rider) })),
  })
  assert.deepEqual(
    online.rows.map(({ values }) => values['rating']),
    ratings,
  )
  const set = await client.features.createTrainingSet({ service: 's', source: 'rides', ...period, label: 'late' })
  const trained = await features.trainingRows(app.ctx, set.id)
  assert.deepEqual(
    trained.map((row) => [row['rider'], row['rating']]),
    users.map((user, index) => [user, index + 1]),
  )
  const asOf = await features.lookupAsOf(app.ctx, {
    service: 's',
    rows: users.map((rider) => ({ time: '2026-01-03T00:00:00Z', request: { rider } })),
    asOf: 'known',
  })
  assert.deepEqual(
    asOf.map(({ rating }) => rating),
    ratings,
  )
})

test('parity counts what only one side has as a difference', async (t) => {
  const { app, client } = await testServer(t)
  await prepare(app.ctx, 'number')
  await client.datasets.append({ source: 'riders', rows: [{ rider: 101, rating: 4.5, member: true, at }] })
  await client.datasets.append({ source: 'rides', rows: [{ rider: 101, late: 1, at: '2026-01-02T00:00:00Z' }] })
  const set = await client.features.createTrainingSet({ service: 's', source: 'rides', ...period, label: 'late' })
  await client.datasets.removeRows({ source: 'riders', rows: [1], reason: 'asked for by its owner' })
  const parity = await client.features.parity({ trainingSet: set.id })
  assert.deepEqual(
    parity.features.map(({ differing }) => differing),
    [1, 1],
  )
})

const written = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: -3, max: 3 }).map(String),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 53n + 3n }).map(String),
  fc.constantFrom('007', '+1', '1.0', '1e0', '', 'A', '-0', 0.5, '0.5', true),
)

test('a stored key meets a requested one offline exactly when it does online, however either is written', async (t) => {
  const { app, client } = await testServer(t)
  for (const type of ['number', 'string'] as const) {
    const sources = { riders: `riders_${type}`, rides: `rides_${type}` }
    const { entities, views, services } = definitions(type)
    for (const source of Object.values(sources))
      await datasets.applySource(app.ctx, { source, owner: 'ana@team.example', time: 'at', expectations: [] })
    const keys = fc.sample(written, { numRuns: 60, seed: 7 })
    // As an older version stored them: as texts, whatever the key is.
    const db = app.ctx.db.withTables<DatasetsTables>()
    const stored = keys.filter((key) => keyValue(String(key), type) !== undefined)
    const columns = { rider: 'string', rating: 'integer', member: 'boolean' }
    for (const [name, kind] of Object.entries(columns))
      await db
        .insertInto('source_columns')
        .values({ source: sources.riders, name, type: kind, integer_upto: null })
        .execute()
    for (const [index, key] of stored.entries()) {
      const content = JSON.stringify({ rider: String(key), rating: index, member: true, at })
      await db
        .insertInto('source_rows')
        .values({ source: sources.riders, seq: index + 1, ingested_at: at, content })
        .execute()
    }
    await db.updateTable('sources').set({ last_seq: stored.length }).where('name', '=', sources.riders).execute()
    await features.applyFeatures(app.ctx, {
      entities,
      views: views.map((view) => ({ ...view, source: sources.riders })),
      services,
    })
    await features.warmUp(app.ctx)
    const asked = keys.filter((key) => keyValue(key, type) !== undefined)
    const online = await client.features.getOnline({ service: 's', rows: asked.map((rider) => ({ rider })) })
    const asOf = await features.lookupAsOf(app.ctx, {
      service: 's',
      rows: asked.map((rider) => ({ time: '2026-03-01T00:00:00Z', request: { rider } })),
      asOf: 'known',
    })
    assert.deepEqual(
      asked.map((key, index) => [key, asOf[index]?.['rating']]),
      asked.map((key, index) => [key, online.rows[index]?.values['rating']]),
    )
  }
})
