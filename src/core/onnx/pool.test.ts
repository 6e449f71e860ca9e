import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { encodeOnnx } from '../../../examples/flights/src/onnx.ts'
import { testContext } from '../../../test/support/context.ts'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { loop } from '../../../test/support/onnx-loop.ts'
import { until } from '../../../test/support/until.ts'
import { AppError } from '../errors.ts'
import { openPooledOnnx } from './pool.ts'
import { createOnnxThread } from './thread.ts'

const echo = encodeOnnx({
  name: 'echo',
  inputs: [{ name: 'x', type: 'float', width: 1 }],
  outputs: [{ name: 'y', type: 'float', width: 1 }],
  constants: [],
  nodes: [{ op: 'Identity', inputs: ['x'], output: 'y' }],
})
const read = async () => echo

test('models in threads answer rows in order, each its own, while others open and close', async (t) => {
  const ctx = await testContext(t)
  const open = (name: string) => openPooledOnnx(ctx, { name, read, purpose: 'live', copies: 2 })
  const [first, second] = [await open('a'), await open('b')]
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      (index % 2 === 0 ? first : second).predict([{ x: index }, { x: -index }]),
    ),
  )
  assert.deepEqual(
    answers,
    answers.map((_, index) => [index, index === 0 ? -0 : -index]),
  )
  await first.close()
  await assert.rejects(first.predict([{ x: 1 }]))
  assert.deepEqual(await second.predict([{ x: 3 }]), [3])
  await second.close()
})

test('what is no model, and a model that this version cannot run, is refused and leaves the thread as it was', async (t) => {
  const ctx = await testContext(t)
  const good = await openPooledOnnx(ctx, { name: 'good', read, purpose: 'live' })
  const refused = async (bytes: Uint8Array) =>
    assert.rejects(
      openPooledOnnx(ctx, { name: 'bad', read: async () => bytes, purpose: 'live' }),
      (error: AppError) => {
        assert.ok(error instanceof AppError)
        assert.equal(error.code, 'invalid_input')
        return true
      },
    )
  await refused(new Uint8Array(0))
  await refused(Buffer.from('not a model'))
  await refused(echo.subarray(0, echo.length - 5))
  await refused(ofOpset(echo, 99))
  assert.deepEqual(await good.predict([{ x: 1 }]), [1])
  await good.close()
})

/** The same model, but its operators are of a version that nobody has seen. */
function ofOpset(model: Uint8Array, opset: number): Uint8Array {
  const bytes = Buffer.from(model)
  // ModelProto.opset_import (field 8) holds OperatorSetIdProto.version (field 2): 42 .. 10 <version>.
  const at = bytes.lastIndexOf(Buffer.from([0x42]))
  const version = bytes.indexOf(0x10, at) + 1
  bytes[version] = opset
  return bytes
}

test('a thread that ends fails only the call at work: its models open again and the calls behind it are answered', async (t) => {
  const ctx = await testContext(t)
  const thread = createOnnxThread(ctx, { heapMegabytes: 24 })
  t.after(() => thread.stop())
  const open = async (name: string) => (await thread.open({ name, read })).model
  const [greedy, modest] = [await open('greedy'), await open('modest')]
  const huge = Array.from({ length: 400_000 }, (_, index) => ({ x: index, text: `${index}` }))
  const crash = thread.run(greedy, huge)
  const answers = async (model: number, x: number) => (await thread.run(model, [{ x }])).values
  const behind = Promise.all(Array.from({ length: 20 }, (_, x) => answers(modest, x)))
  await assert.rejects(crash, (error: AppError) => error.code === 'upstream_failed')
  assert.deepEqual(
    await behind,
    Array.from({ length: 20 }, (_, x) => [x]),
  )
  assert.equal(thread.restarts(), 1)
  assert.deepEqual(await answers(greedy, 5), [5])
  for (let count = 0; count < 3; count++) await assert.rejects(thread.run(greedy, huge))
  await assert.rejects(thread.run(greedy, [{ x: 5 }]), (error: AppError) => error.code === 'not_ready')
  assert.deepEqual(await answers(modest, 6), [6], 'a model that keeps ending its thread takes no other with it')
})

test('a computation that does not end is given up: others are answered, its model is asked again when it has ended', async (t) => {
  const ctx = await testContext(t)
  const thread = createOnnxThread(ctx, { patience: { open: 60_000, run: 500, row: 0, stop: 60_000 } })
  t.after(() => thread.stop())
  const open = async (name: string, read: () => Promise<Uint8Array>) => (await thread.open({ name, read })).model
  const [endless, modest] = [await open('endless', async () => loop), await open('modest', read)]
  const stuck = thread.run(endless, [{ x: 8_000_000 }])
  const behind = thread.run(modest, [{ x: 1 }])
  await assert.rejects(stuck, (error: AppError) => /does not end/.test(error.message))
  assert.deepEqual((await behind).values, [1])
  await assert.rejects(thread.run(endless, [{ x: 5 }]), (error: AppError) => error.code === 'not_ready')
  const again = async () => (await thread.run(endless, [{ x: 5 }])).values
  await until(() => again().catch(() => undefined), 'the thread to run that model again', { within: 60_000 })
  assert.deepEqual(await again(), [10])
})

test('a server ends although a computation does not', () => {
  const child = fileURLToPath(new URL('../../../test/support/endless-child.ts', import.meta.url))
  const { stdout, stderr, signal } = spawnSync(process.execPath, [child], { encoding: 'utf8', timeout: 60_000 })
  assert.deepEqual({ stdout, signal }, { stdout: 'stopped', signal: 'SIGKILL' }, stderr)
})

test('the runtime neither keeps nor sends a record of how it is used', (t) => {
  const home = temporaryFolder(t)
  const child = fileURLToPath(new URL('../../../test/support/onnx-child.ts', import.meta.url))
  const environment = { PATH: process.env['PATH'], HOME: home, TMPDIR: home, XDG_CACHE_HOME: home }
  const { stdout, stderr } = spawnSync(process.execPath, [child], { env: environment, encoding: 'utf8' })
  assert.equal(stdout, '[7]', stderr)
  assert.deepEqual(readdirSync(home), [])
})
