import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { encodeOnnx } from '../../../examples/flights/src/onnx.ts'
import { testContext } from '../../../test/support/context.ts'
import type { Context } from '../../core/context.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as registry from './registry.ts'
import { asksForChances } from './runtimes/mlflow.ts'

const inputs = JSON.stringify([{ name: 'distance', type: 'double', required: true }])
const mlmodel = (more = '') => `
flavors:
  python_function: {loader_module: mlflow.sklearn, predict_fn: predict, model_path: model.pkl}
  sklearn: {pickled_model: model.pkl}
run_id: 0123456789abcdef0123456789abcdef
saved_input_example_info: {artifact_path: input_example.json, type: dataframe}
signature:
  inputs: '${inputs}'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
${more}`

/** A model that answers with its only input. */
const echo = (input: string) =>
  encodeOnnx({
    name: 'echo',
    inputs: [{ name: input, type: 'float', width: 1 }],
    outputs: [{ name: 'p', type: 'float', width: 1 }],
    constants: [],
    nodes: [{ op: 'Identity', inputs: [input], output: 'p' }],
  })

async function register(ctx: Context, files: Record<string, string | Uint8Array>) {
  const stored = []
  for (const [path, bytes] of Object.entries(files))
    stored.push({ path, ...(await artifacts.putBlob(ctx, {}, Readable.from([Buffer.from(bytes)]))) })
  const { digest } = await artifacts.create(ctx, { files: stored })
  await registry.createModel(ctx, { name: 'delay' }).catch(() => undefined)
  return registry.registerVersion(ctx, { model: 'delay', flavor: 'mlflow', artifact: digest })
}

test('what the MLmodel file says of inputs, flavors and example is part of the version; a run that is not here is not named', async (t) => {
  const ctx = await testContext(t)
  const version = await register(ctx, { MLmodel: mlmodel(), 'model.txt': 'weights' })
  assert.deepEqual(version.signature?.inputs, [{ name: 'distance', type: 'number' }])
  assert.deepEqual(version.mlflow, {
    flavors: ['python_function', 'sklearn'],
    loader: 'mlflow.sklearn',
    predicts: 'predict',
    example: 'input_example.json',
  })
  assert.equal(version.run, null)
  assert.equal(asksForChances(version.mlflow, { output: 'binary' }), true)
  assert.equal(asksForChances(version.mlflow, { output: 'regression' }), false)
})

test('an ONNX file inside an MLflow model answers in this server', async (t) => {
  const ctx = await testContext(t)
  const onnx = echo('distance')
  const version = await register(ctx, { MLmodel: mlmodel(), 'model.onnx': onnx })
  assert.ok(version.signature?.output.found)
  const runtime = await registry.openRuntime(ctx, { model: 'delay', version: 1 })
  assert.equal(runtime.state().kind, 'onnx')
  assert.deepEqual(await runtime.predict([{ distance: 0.5 }]), [0.5])
  await runtime.close()
})

test('an ONNX file that reads other inputs does not refuse the version; why it is not asked here is said', async (t) => {
  const ctx = await testContext(t)
  const onnx = echo('height')
  const version = await register(ctx, { MLmodel: mlmodel(), 'model.onnx': onnx })
  assert.match(version.warnings?.join() ?? '', /Its ONNX file is not asked in this server: .*"height"/)
  assert.equal(version.signature?.output.found, undefined)
})

test('a file that cannot be read, or is missing, leaves a version without a signature', async (t) => {
  const ctx = await testContext(t)
  const bombs = `a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c, *c, *c, *c]`
  for (const [text, said] of [
    ['{', /is no YAML/],
    ['[]', /is no YAML/],
    [Buffer.from([0xff, 0xfe, 0x00]), /is no YAML/],
    [bombs, /is no YAML|logged without a signature/],
    ['flavors: {}', /logged without a signature/],
  ] as const) {
    const version = await register(ctx, { MLmodel: text, [`model-${String(said)}.txt`.replaceAll(/\W/g, '')]: 'x' })
    assert.equal(version.signature, null)
    assert.match(version.warnings?.join() ?? '', said)
  }
  assert.equal((await register(ctx, { 'weights.txt': 'x' })).mlflow, null)
})
