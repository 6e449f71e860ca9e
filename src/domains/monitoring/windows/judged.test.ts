import assert from 'node:assert/strict'
import { test } from 'node:test'
import { model } from '../../../../test/support/trips.ts'
import { addToSketch, createReference, createSketch, type Sketch } from '../../../core/stats/sketch.ts'
import * as registry from '../../registry/registry.ts'
import { begin } from '../monitoring.fixture.ts'
import { judgedOnly } from './judged.ts'
import { driftOf } from './summary.ts'

const sketched = (reference: Sketch['reference'], values: readonly unknown[]) => {
  const sketch = createSketch(reference)
  for (const value of values) addToSketch(sketch, value)
  return sketch
}
const profile = (column: string, values: readonly unknown[]) => {
  const numeric = values.every((value) => value === null || typeof value === 'number')
  const sketch = sketched(createReference({ kind: numeric ? 'numeric' : 'categorical', values }), values)
  return { column, sketch, threshold: 0 }
}
const many = (count: number, value: (index: number) => unknown) =>
  Array.from({ length: count }, (_, index) => value(index))
const settings = { minRows: 50, omitted: new Set(['secret']), lengthsOnly: false, effect: 0.2 }

test('a column of which nothing can be told is named with the reason, and one that moved is told at any size', () => {
  const columns = [
    profile(
      'same',
      many(400, (index) => index % 40),
    ),
    profile(
      'moved',
      many(400, (index) => index % 40),
    ),
    profile(
      'emptied',
      many(400, (index) => index % 40),
    ),
    profile(
      'never',
      many(400, () => null),
    ),
    profile(
      'secret',
      many(400, (index) => `s${index % 4}`),
    ),
    profile(
      'absent',
      many(400, (index) => index % 40),
    ),
  ]
  const now = (rows: number) =>
    new Map(
      columns.flatMap(({ column, sketch }) => {
        if (column === 'absent') return []
        const value = (index: number) =>
          column === 'same' ? (index * 7) % 40 : column === 'moved' ? 900 : column === 'never' ? 3 : null
        return [[column, sketched(sketch.reference, many(rows, value))] as const]
      }),
    )
  const judge = (rows: number) => judgedOnly({ columns }, driftOf({ columns }, now(rows), settings), settings)
  const few = judge(30)
  assert.deepEqual(
    few.drift.map(({ column, drifted }) => [column, drifted]),
    [['moved', true]],
  )
  const reasons = {
    emptied: 'all of its 30 values are missing',
    never: 'all of its values are missing in training',
    secret: 'the log leaves it out (serves.log.omit)',
    absent: 'nothing was served',
  }
  assert.deepEqual(Object.fromEntries(few.notJudged.map(({ column, because }) => [column, because])), {
    same: '30 of the 50 rows that monitoring.min_rows asks for',
    ...reasons,
  })
  const enough = judge(80)
  assert.deepEqual(
    enough.drift.map(({ column, drifted }) => [column, drifted]),
    [
      ['same', false],
      ['moved', true],
    ],
  )
  assert.equal(enough.notJudged.length, 4)
})

test('an input that became empty pages with the first window, however few its rows, and is over with the first that is full', async (t) => {
  const { client, ctx, live, settleWindows } = await begin(t)
  const spec = await registry.requireSpec(ctx, model)
  await registry.applySpec(ctx, { ...spec, serves: { ...spec.serves, missing: ['good'] } })
  await live(1)
  for (let index = 0; index < 6; index++)
    await client.serving.predict({ endpoint: model, inputs: { city: 'Bonn', wrong: 0.5 } }).catch(() => undefined)
  await settleWindows()
  const day = async () => {
    const end = new Date(ctx.now().getTime() + 24 * 3_600_000)
    await client.system.advanceClock({ to: end.toISOString() })
    await client.system.advanceClock({ to: end.toISOString() })
  }
  await day()
  const drift = await client.monitoring.drift({ model })
  const good = drift.window?.missing?.find(({ column }) => column === 'good')
  assert.deepEqual([drift.window?.requests, good?.now.n, good?.now.value, good?.emptied], [6, 6, 1, true])
  assert.equal(drift.verdict, 'drifted')
  const alertOf = async () =>
    (await client.monitoring.listAlerts({ model })).items.find(({ signal }) => signal === 'missing')
  const alert = await alertOf()
  assert.deepEqual([alert?.subject, alert?.severity, alert?.state], ['good', 'page', 'firing'])
  assert.match(
    alert?.summary ?? '',
    /^"good" became empty: 100\.0 % of its 6 values are missing, 0\.0 % of \d+ were in training\.$/,
  )
  await live(1)
  await settleWindows()
  assert.equal((await alertOf())?.state, 'resolved')
})
