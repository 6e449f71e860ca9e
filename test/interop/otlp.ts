import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createApp } from '../../src/app.ts'
import { createClient } from '../../src/client/client.ts'
import { routesOf } from '../../src/client/routes.ts'
import { type Api, api } from '../../src/contract.ts'
import { resolveConfig } from '../../src/core/config.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import { completeSpec } from '../../src/domains/registry/spec/spec.ts'
import { createSuite } from '../support/suite.ts'
import { pythonWith } from './python-tools.ts'

/** Spans of OpenTelemetry's Python SDK become predictions: each once, whatever its exporter sends again. */
const { check, skip, end } = createSuite()
const count = 600

const found = pythonWith('otlp')
if ('missing' in found) skip('OpenTelemetry for Python', found.missing)
else await tried(found.python)
end()

async function tried(python: string): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'keel-otlp-'))
  const { config } = resolveConfig({ environment: {} })
  const app = await createApp({ config: { ...config, port: '0', log: 'silent' }, root })
  const url = await app.listen({ port: 0 })
  const client = createClient<Api>(routesOf(api), { url })
  const people = { owner: 'ann@team.example', backup: 'bob@team.example', purpose: 'What spans are about.' }
  await registry.applySpec(app.ctx, completeSpec({ model: 'churn', ...people, serves: { output: 'binary' } }))
  const serves = { output: 'text', gen_ai: ['small-chat'], log: { content: true } } as const
  await registry.applySpec(
    app.ctx,
    completeSpec({ model: 'answers', ...people, serves: { ...serves, gen_ai: [...serves.gen_ai] } }),
  )
  const from = new Date(Date.now() - 3_600_000).toISOString()
  const recorded = async (endpoint: string) =>
    (await client.serving.listPredictions({ endpoint, from, limit: 1000 })).items
  try {
    await check(`${count} predictions are exported twice, backwards and forwards, and recorded once`, async () => {
      const script = fileURLToPath(new URL('otlp-spans.py', import.meta.url))
      await promisify(execFile)(python, [script, url, String(count)], { timeout: 120_000 })
      const items = await recorded('churn')
      // One of them has an input that is a list: it is refused by itself.
      assert.equal(items.length, count - 1)
      assert.equal(new Set(items.map(({ id }) => id)).size, count - 1)
    })
    await check('each with its inputs, output, release and time; a failed one is bad', async () => {
      const one = await client.serving.getPrediction({ prediction: 'ord-6' })
      assert.deepEqual(one.inputs, { age: 26, city: 'Ulm', member: 1 })
      assert.deepEqual([one.output, one.release, one.bad], [6 / count, '2026.11', null])
      assert.ok(one.latencyMs >= 0 && Math.abs(Date.now() - Date.parse(one.at)) < 600_000)
      assert.equal((await client.serving.getPrediction({ prediction: 'ord-3' })).bad, 'error')
    })
    await check('a call of a language model is a prediction of the model whose spec names it', async () => {
      const [call, ...others] = await recorded('answers')
      assert.deepEqual(
        [call?.inputs, call?.output, call?.tokens, others.length],
        [{ question: 'Where is it?' }, 'On its', { input: 12, output: 3 }, 0],
      )
      assert.deepEqual(call?.marks, ['cut_off'])
    })
    await check('all of them are traces too', async () => {
      const { items } = await client.traces.list({ limit: 1000 })
      assert.equal(items.length, count + 1)
    })
  } finally {
    await app.close()
    rmSync(root, { recursive: true, force: true })
  }
}
