import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeOnnx } from '../../../examples/flights/src/onnx.ts'
import { testContext } from '../../../test/support/context.ts'
import { model, spec } from '../../../test/support/trips.ts'
import type { Context } from '../../core/context.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as registry from './registry.ts'

async function register(ctx: Context, op: string) {
  const bytes = encodeOnnx({
    name: op,
    inputs: [{ name: 'good', type: 'float', width: 1 }],
    outputs: [{ name: 'probability', type: 'float', width: 1 }],
    constants: [],
    nodes: [{ op, inputs: ['good'], output: 'probability' }],
  })
  const { digest } = await artifacts.create(ctx, { files: [{ path: 'model.onnx', ...(await ctx.blobs.put(bytes)) }] })
  const signature = {
    inputs: [{ name: 'good', type: 'number' as const }],
    output: { name: 'probability', type: 'number' as const },
  }
  return registry.registerVersion(ctx, { model, flavor: 'onnx', artifact: digest, signature })
}

test('a model that answers made-up rows with 0 and 1 alone is registered with a warning that it may answer with classes', async (t) => {
  const ctx = await testContext(t)
  await registry.applySpec(ctx, { ...spec, serves: { output: 'binary' } })
  const rounded = await register(ctx, 'Round')
  assert.match(rounded.warnings?.join(' ') ?? '', /each of its 3 answers was 0 or 1: .*class_for_probability/)
  assert.equal((await register(ctx, 'Identity')).warnings, undefined)
})

test('a model whose answers are infinite or none together and alone is not called one that answers rows otherwise together', async (t) => {
  const ctx = await testContext(t)
  await registry.applySpec(ctx, { ...spec, serves: { output: 'regression' } })
  const { warnings, signature } = await register(ctx, 'Log')
  assert.deepEqual(warnings, ['About made-up rows it answered with no finite number: such answers are refused.'])
  assert.equal(signature?.batch, undefined)
})
