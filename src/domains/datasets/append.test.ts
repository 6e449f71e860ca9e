import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testContext, testServer } from '../../../test/support/context.ts'
import * as datasets from './datasets.ts'

const at = '2026-01-01T00:00:00.000Z'

test('a part of a file that is there is not added again, and a source says which file is there in part', async (t) => {
  const { client, app } = await testServer(t)
  await datasets.applySource(app.ctx, { source: 'trips', owner: 'ana@team.example', time: 'at' })
  const part = (number: number) => ({
    source: 'trips',
    rows: [1, 2].map((id) => ({ id: number * 10 + id, at })),
    push: { id: 'digest-of-a-file', part: number, parts: 2 },
  })
  assert.deepEqual(await client.datasets.append(part(1)), { appended: 2, lastSeq: 2 })
  const { unfinished } = await client.datasets.getSource({ source: 'trips' })
  assert.deepEqual([unfinished?.rows, unfinished?.parts, unfinished?.of], [2, 1, 2])
  assert.deepEqual(await client.datasets.append(part(1)), { appended: 0, stored: 2, lastSeq: 2 })
  const both = await Promise.all([client.datasets.append(part(2)), client.datasets.append(part(2))])
  assert.deepEqual(both.map(({ appended }) => appended).sort(), [0, 2])
  const found = await client.datasets.getSource({ source: 'trips' })
  assert.deepEqual([found.rows, found.unfinished], [4, undefined])
})

const values = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
  fc.constantFrom('{"a":1}', 'NaN', 'null', '2026-01-01', "' or 1=1", 'a\u00a0b', 'é'.repeat(2000), 'x'.repeat(2001)),
)

test('rows that the engine is not asked about are read by it all the same, value by value', async (t) => {
  const ctx = await testContext(t)
  const types = { s: 'string', n: 'number', i: 'integer', b: 'boolean', at: 'time' } as const
  const expectations = Object.entries(types).map(([column, type]) => ({ column, type }))
  await datasets.applySource(ctx, { source: 's', owner: 'ana@team.example', expectations })
  const all: Record<string, unknown>[] = [{ s: 'first', n: 0.5, i: 1, b: true, at }]
  await datasets.append(ctx, { source: 's', rows: all })
  const row = fc.record({
    s: values.filter((text) => !text.includes('\u0000') && text.isWellFormed()),
    n: fc.double({ noNaN: true, noDefaultInfinity: true }),
    i: fc.maxSafeInteger(),
    b: fc.boolean(),
    at: fc.constantFrom(at, '1900-01-01T00:00:00.000Z', '2200-12-31T23:59:59.999Z'),
  })
  for (const rows of fc.sample(fc.array(row, { minLength: 20, maxLength: 60 }), 8)) {
    await datasets.append(ctx, { source: 's', rows })
    all.push(...rows)
  }
  const read = await datasets.withSource(ctx, { source: 's' }, (lake, table) =>
    lake.query(`select s, n, i, b, "at" from ${table} order by _seq`),
  )
  const plain = (value: unknown) =>
    value instanceof Date ? value.toISOString() : typeof value === 'bigint' ? Number(value) : value === 0 ? 0 : value
  const comparable = (rows: Record<string, unknown>[]) =>
    rows.map((one) => Object.keys(types).map((name) => plain(one[name])))
  assert.deepEqual(comparable(read), comparable(all))
})
