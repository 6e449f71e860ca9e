import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { testContext } from '../../../../test/support/context.ts'
import type { Context } from '../../../core/context.ts'
import * as artifacts from '../../artifacts/artifacts.ts'
import * as registry from '../../registry/registry.ts'
import { definition, makeSpec } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'

const model = 'flight-delay'
const fixtures = new URL('../../../../test/fixtures/breaks/', import.meta.url)

/** Models that look their answer up, ten times the input: the one knows inputs to 4, the other to 9, and beyond they break. */
async function register(ctx: Context, file: string) {
  const blob = await ctx.blobs.put(await readFile(new URL(file, fixtures)))
  const { digest } = await artifacts.create(ctx, { files: [{ path: 'model.onnx', ...blob }] })
  const signature = {
    inputs: [{ name: 'k', type: 'number' as const }],
    output: { name: 'y', type: 'number' as const },
  }
  return registry.registerVersion(ctx, { model, flavor: 'onnx', artifact: digest, signature })
}

async function begin(ctx: Context) {
  const spec = makeSpec({ quality: { metric: 'mae', against: 'live', margin: 2 } })
  await registry.applySpec(ctx, { ...spec, serves: { output: 'regression' } })
  const items = Array.from({ length: 105 }, (_, index) => {
    const k = index < 100 ? index % 5 : 7
    return { id: `s${index}`, departs: '2026-01-01', origin: 'ORD', k, late: 10 * k + (index % 3) }
  })
  await evaluation.applyGolden(ctx, { definition, items })
  await register(ctx, 'five-rows.onnx')
  await register(ctx, 'ten-rows.onnx')
}

test('items on which a live ONNX model breaks count against it, and its mend passes', async (t) => {
  const ctx = await testContext(t)
  await begin(ctx)
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const { verdict, summary, checks } = await evaluation.runGate(ctx, { model, version: 2 })
  const said = checks.find(({ check }) => check === 'baseline answers')
  assert.deepEqual([verdict, said?.value], ['pass', 5], summary)
  assert.match(said?.reason ?? '', /5 of 105 items \(s100, s101, s102, s103, s104\).*the fault of live \(v1\)/)
  for (const { reason } of checks) assert.doesNotMatch(reason, /nothing …|\.\./)
})

test('of a candidate that breaks on golden items the gate says on which, and that it is its own fault', async (t) => {
  const ctx = await testContext(t)
  await begin(ctx)
  await registry.setBaseline(ctx, { model, value: 20 })
  const { verdict, summary } = await evaluation.runGate(ctx, { model, version: 1 })
  assert.equal(verdict, 'error')
  assert.match(
    summary,
    /v1 breaks on the golden items s100, s101, s102, s103, s104.* indices element out of data bounds/,
  )
  assert.match(summary, /\]\. That is the fault of this version/)
  assert.doesNotMatch(summary, /\.\./)
})
