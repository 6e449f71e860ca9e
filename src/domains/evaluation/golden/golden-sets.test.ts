import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testContext, testServer } from '../../../../test/support/context.ts'
import type { ProblemError } from '../../../client/client.ts'
import type { AppError } from '../../../core/errors.ts'
import * as evaluation from '../evaluation.ts'
import { readGolden } from './golden-sets.ts'

const definition = { golden: 'flights-golden', file: 'golden/flights.csv', id: 'id', label: 'late', slices: ['origin'] }
const items = [
  { id: 'a', late: 0, origin: 'ORD' },
  { id: 'b', late: 1, origin: 'LGA' },
]

test('pushing the same items again gives the same version, other items a new one', async (t) => {
  const { client } = await testServer(t)
  const push = (given: typeof items) =>
    client.evaluation.pushGolden({ golden: 'flights-golden', definition, items: given })
  const first = await push(items)
  assert.deepEqual([first.version, first.items, first.uses, first.columns], [1, 2, 0, ['id', 'late', 'origin']])
  assert.equal((await push(items)).version, 1)
  const second = await push(items.slice(0, 1))
  assert.deepEqual([second.version, second.items], [2, 1])
  const kept = await client.evaluation.getGolden({ golden: 'flights-golden', version: 1 })
  assert.equal(kept.digest, first.digest)
  assert.deepEqual(
    (await client.evaluation.listGolden({})).items.map(({ name, version }) => [name, version]),
    [['flights-golden', 2]],
  )
})

test('a golden set with a row that cannot be judged is refused whole', async (t) => {
  const { client } = await testServer(t)
  const broken = [...items, { id: 'c', late: 1 }]
  await assert.rejects(
    client.evaluation.pushGolden({ golden: 'flights-golden', definition, items: broken }),
    (error: ProblemError) => error.problem.status === 400 && error.problem.detail.includes('Row 3: "origin"'),
  )
  await assert.rejects(
    client.evaluation.getGolden({ golden: 'flights-golden' }),
    (error: ProblemError) => error.problem.code === 'not_found',
  )
})

test('adding items makes a new version with the old items and the new ones', async (t) => {
  const ctx = await testContext(t)
  await evaluation.applyGolden(ctx, { definition, items })
  const failure = { id: 'c', late: 1, origin: 'BOS' }
  const grown = await evaluation.addGoldenItems(ctx, { golden: 'flights-golden', items: [failure] })
  assert.equal(grown.version, 2)
  assert.deepEqual((await readGolden(ctx, { golden: 'flights-golden' })).items, [...items, failure])
  assert.deepEqual((await readGolden(ctx, { golden: 'flights-golden', version: 1 })).items, items)
  assert.equal(grown.digest, evaluation.goldenDigest({ definition, items: [...items, failure] }))
  await assert.rejects(
    evaluation.addGoldenItems(ctx, { golden: 'flights-golden', items: [failure] }),
    (error: AppError) => error.offender === 'id',
  )
})

test('a definition under another name than its path is refused', async (t) => {
  const { client } = await testServer(t)
  await assert.rejects(
    client.evaluation.pushGolden({ golden: 'other', definition, items }),
    (error: ProblemError) => error.problem.code === 'invalid_input',
  )
})
