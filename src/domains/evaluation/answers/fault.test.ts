import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testContext } from '../../../../test/support/context.ts'
import type { Context } from '../../../core/context.ts'
import * as artifacts from '../../artifacts/artifacts.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/model-spec.ts'
import { establish, makeItems, makeSpec, registerEcho } from '../evaluation.fixture.ts'
import * as evaluation from '../evaluation.ts'

const model = 'flight-delay'
const fault = /live \(v1\) could not be asked, and that is not the candidate's fault: .*keel rollback flight-delay/s

async function gateOf(ctx: Context) {
  const gate = await evaluation.runGate(ctx, { model, version: 2 })
  return { ...gate, named: (name: string) => gate.checks.find(({ check }) => check === name) }
}

test('a live version whose file is damaged fails no candidate: the gate says whose fault it is and the ways out', async (t) => {
  const ctx = await testContext(t)
  await establish(ctx)
  const live = await registerEcho(ctx, 'noisy')
  await registerEcho(ctx, 'good')
  await registry.moveLiveAlias(ctx, { model, version: 1 })
  const { files } = await artifacts.get(ctx, { digest: live.artifact ?? '' })
  const path = await ctx.blobs.localPath(files[0]?.digest ?? '')
  await chmod(path, 0o600)
  await writeFile(path, 'damaged')
  const gate = await gateOf(ctx)
  assert.equal(gate.verdict, 'error')
  assert.match(gate.summary, fault)
})

async function establishRemote(ctx: Context, serves: Partial<ModelSpec['serves']>) {
  const spec = makeSpec()
  await establish(ctx, { spec: { ...spec, serves: { ...spec.serves, ...serves } } })
  for (const _ of [1, 2])
    await registry.registerVersion(ctx, {
      model,
      flavor: 'remote',
      signature: { inputs: [{ name: 'good', type: 'number' }], output: { name: 'p', type: 'number' } },
    })
  await registry.moveLiveAlias(ctx, { model, version: 1 })
}

test('a live version whose process ends fails no candidate either, and what it wrote is told', async (t) => {
  const ctx = await testContext(t)
  const scorer = fileURLToPath(new URL('../../../../test/support/scorer.ts', import.meta.url))
  const script = `if (process.argv[1] === '1') { console.error('out of memory'); process.exit(9) }
    import(${JSON.stringify(scorer)}).then((scorer) => scorer.startScorer(Number(process.argv[2])))`
  const command = [process.execPath, '-e', script, '{version}', '{port}']
  await establishRemote(ctx, { run: { protocol: 'mlflow', command } })
  const gate = await gateOf(ctx)
  assert.equal(gate.verdict, 'error')
  assert.match(gate.summary, fault)
  assert.match(gate.summary, /out of memory/)
})

/** An upstream that echoes `good`; `live` says which of its rows break version 1, and whether it goes away instead. */
async function upstream(t: TestContext, live: { breaks: (good: number) => boolean; leaves?: boolean }) {
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { inputs: { data: number[] }[] }
    const data = body.inputs[0]?.data ?? []
    const broken = request.url?.includes('m-1') === true && data.some(live.breaks)
    if (broken && live.leaves === true) reply.destroy()
    else if (broken) reply.writeHead(500).end('{}')
    else reply.writeHead(200).end(JSON.stringify({ outputs: [{ name: 'p', shape: [data.length, 1], data }] }))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const ctx = await testContext(t, { settings: { egress: `127.0.0.1:${port}` } })
  await establishRemote(ctx, {
    upstream: { protocol: 'oip', urls: [`http://127.0.0.1:${port}`], model: 'm-{version}' },
  })
  return ctx
}

test('items on which the upstream of the live version answers with 500 count against it, and a mend that is alike elsewhere passes', async (t) => {
  const broken = makeItems(400).filter(({ good }) => (good ?? 0) > 0.94).length
  const ctx = await upstream(t, { breaks: (good) => good > 0.94 })
  const gate = await gateOf(ctx)
  assert.ok(broken > 0 && broken < 20)
  assert.deepEqual([gate.verdict, gate.named('baseline answers')?.value], ['pass', broken], gate.summary)
  assert.match(gate.named('baseline answers')?.reason ?? '', /the fault of live \(v1\), not of the candidate/)
  const rest = gate.named('quality log_loss where the baseline answers')
  assert.deepEqual([rest?.verdict, rest?.required, rest?.n], ['pass', true, 400 - broken])
})

test('an upstream that is gone is no verdict on the candidate', async (t) => {
  const ctx = await upstream(t, { breaks: () => true, leaves: true })
  const gate = await gateOf(ctx)
  assert.equal(gate.verdict, 'error')
  assert.match(gate.summary, fault)
})
