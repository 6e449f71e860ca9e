import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { misdeeds, startScorer } from '../../../../test/support/scorer.ts'
import { serveRemote } from '../../../../test/support/served.ts'
import { model } from '../../../../test/support/trips.ts'
import type { Client } from '../../../client/client.ts'
import type { Api } from '../../../contract.ts'
import { transaction } from '../../../core/transaction.ts'
import * as serving from '../serving.ts'
import * as store from '../store.ts'

const upstreamOf = (url: string) => ({ upstream: { urls: [url], protocol: 'oip' as const } })

async function marksOf(client: Client<Api>) {
  const { items } = await client.serving.listPredictions({ endpoint: model })
  return items.map(({ release, marks, bad }) => [release, marks, bad])
}

test('an answer that is no number says so in its error and in the log, and what stands in for it is marked', async (t) => {
  const scorer = await startScorer()
  t.after(() => scorer.close())
  const alone = await serveRemote(t, { serves: upstreamOf(scorer.url) })
  await assert.rejects(alone.ask(misdeeds.nan), /gave no usable answer \(not_a_number\)\. Nothing could stand in/)
  assert.deepEqual(await marksOf(alone.client), [[`${model}.r1`, ['not_a_number'], 'invalid']])
  const behind = await serveRemote(t, { serves: upstreamOf(scorer.url), baseline: 0.5 })
  const answer = await behind.client.serving.predict({ endpoint: model, inputs: { good: misdeeds.nan } })
  assert.deepEqual([answer.output, answer.marks], [0.5, ['stand_in']])
  assert.deepEqual((await marksOf(behind.client)).toSorted(), [
    [`${model}.r0`, ['stand_in'], null],
    [`${model}.r1`, ['not_a_number'], 'invalid'],
  ])
  const metrics = await (await fetch(`${behind.url}/metrics`)).text()
  assert.match(
    metrics,
    new RegExp(`keel_marked_answers_total\\{model="${model}",release="${model}.r0",mark="stand_in"\\} 1`),
  )
})

test('of probabilities, a word or a number that is none is a class or not as declared', async (t) => {
  const scorer = await startScorer()
  t.after(() => scorer.close())
  const { ask, client } = await serveRemote(t, { serves: { output: 'binary', ...upstreamOf(scorer.url) } })
  for (const good of [misdeeds.nan, 12, 1.5]) await assert.rejects(ask(good), /no usable answer/)
  assert.deepEqual((await marksOf(client)).map(([, marks]) => marks).toSorted(), [
    ['class_for_probability'],
    ['class_for_probability'],
    ['not_as_declared'],
  ])
})

test('once thirty probabilities were all 0 or 1 each further one is marked as a class, online and of a file, until one is not', async (t) => {
  const scorer = await startScorer()
  t.after(() => scorer.close())
  const { ask, client } = await serveRemote(t, { serves: { output: 'binary', ...upstreamOf(scorer.url) } })
  const answers: unknown[] = []
  for (let index = 0; index < 31; index++) answers.push(await ask(index % 2))
  const found = answers.map((answer) => (answer as { marks: string[] }).marks)
  assert.deepEqual(
    found.map((marks) => marks.length),
    [...new Array<number>(29).fill(0), 1, 1],
  )
  assert.deepEqual(found.at(-1), ['class_for_probability'])
  const { items } = await client.serving.listPredictions({ endpoint: model, mark: 'class_for_probability' })
  assert.ok(items.every(({ bad }) => bad === null) && items.length === 2)
  await ask(0.5)
  assert.deepEqual(((await ask(1)) as { output: unknown; marks?: string[] }).marks, [])
  const rows = Array.from({ length: 40 }, (_, index) => ({ good: index % 2 }))
  const batch = await client.serving.predictBatch({ model, version: 1, rows })
  assert.equal(batch.errors.length, 0)
  assert.deepEqual(
    batch.marks.map(({ row }) => row),
    Array.from({ length: 11 }, (_, index) => 29 + index),
  )
})

test('of a file, a row without a usable answer has its mark beside its error', async (t) => {
  const scorer = await startScorer()
  t.after(() => scorer.close())
  const { client } = await serveRemote(t, { serves: upstreamOf(scorer.url) })
  const batch = await client.serving.predictBatch({ model, version: 1, rows: [{ good: misdeeds.nan }] })
  assert.deepEqual([batch.outputs, batch.marks], [[null], [{ row: 0, marks: ['not_a_number'] }]])
  assert.match(batch.errors[0]?.message ?? '', /not_a_number/)
})

test('predictions that were written before there were marks are read, stand-ins as such', async (t) => {
  const scorer = await startScorer()
  t.after(() => scorer.close())
  const { app } = await serveRemote(t, { serves: upstreamOf(scorer.url), baseline: 0.5 })
  const { ctx } = app
  const path = join(ctx.folder, 'older.parquet')
  const at = ctx.now().toISOString()
  const row = (id: string, fallback: boolean) =>
    `select '${id}' as id, '${model}' as endpoint, '${at}' as "at", 'u' as unit, '${model}.r1' as release, 1::bigint as version,
      'live' as arm, '{}' as inputs, '0.5' as output, null::varchar as bad, 1.0 as "latencyMs", ${fallback} as fallback`
  await ctx.lake.writeParquet(path, `${row('old1', false)} union all ${row('old2', true)}`)
  const { digest } = await ctx.blobs.put(createReadStream(path))
  await transaction(ctx, (ctx) =>
    store.insertSegment(ctx, {
      id: 'seg_old',
      endpoint: model,
      from_at: at,
      to_at: at,
      row_count: 2,
      digest,
      counted_until: '',
    }),
  )
  const read = async () => {
    const rows = await serving.readLog(ctx, { endpoint: model, from: '' })
    return Object.fromEntries(rows.map(({ id, marks }) => [id, marks]))
  }
  assert.deepEqual(await read(), { old1: [], old2: ['stand_in'] })
})
