import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { model, register } from '../../../test/support/trips.ts'
import { halve } from './bisect.ts'
import { begin } from './delivery.fixture.ts'
import type { ReleaseRecord } from './store.ts'
import * as store from './store.ts'

const release = (number: number) => ({ id: `trip-late.r${number}`, number, version: number }) as ReleaseRecord

type Verdict = 'good' | 'bad' | 'cannot_tell'

const judgeBy =
  (verdicts: Verdict[]) =>
  async ({ id, version }: ReleaseRecord) => ({
    release: id,
    version,
    verdict: verdicts[version] ?? 'cannot_tell',
    evaluation: '',
    reason: '',
  })

test('halving finds the first bad release in about log2 looks, wherever it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.nat(), async (size, where) => {
      const first = where % size
      const verdicts = Array.from({ length: size }, (_, index): Verdict => (index < first ? 'good' : 'bad'))
      const found = await halve(
        verdicts.map((_, index) => release(index)),
        judgeBy(verdicts),
      )
      assert.equal(found.first, `trip-late.r${first}`)
      assert.ok(found.looked.length <= Math.ceil(Math.log2(size)) + 1)
    }),
  )
})

test('a release that cannot be told is passed over and said so', async () => {
  const verdicts: Verdict[] = ['good', 'cannot_tell', 'cannot_tell', 'bad']
  const found = await halve(
    verdicts.map((_, index) => release(index)),
    judgeBy(verdicts),
  )
  assert.equal(found.first, 'trip-late.r3')
  assert.match(found.explanation, /2 before it could not be judged/)
})

test('a bad release that is not worse on the golden set is told as such', async () => {
  const found = await halve([release(0)], judgeBy(['good']))
  assert.deepEqual([found.first, found.looked.length], [null, 1])
})

test('on real evaluations the release that answers wrongly is found', async (t) => {
  const { app, client, version } = await begin(t)
  const { id: good } = await client.delivery.release({ model, version, reason: 'first' })
  await client.delivery.promote({ release: good })
  const wrong = await register(app.ctx, 'wrong')
  const row = await store.findRelease(app.ctx, good)
  assert.ok(row)
  for (const number of [2, 3, 4]) {
    await store.insertRelease(app.ctx, {
      ...row,
      id: `${model}.r${number}`,
      number,
      version: number < 3 ? version : wrong,
    })
  }
  const found = await client.delivery.bisect({ model, good, bad: `${model}.r4` })
  assert.equal(found.first, `${model}.r3`, JSON.stringify(found))
})
