import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createApp } from '../../src/app.ts'
import { createClient } from '../../src/client/client.ts'
import { routesOf } from '../../src/client/routes.ts'
import { type Api, api } from '../../src/contract.ts'
import { simulatedClock } from '../../src/core/clock.ts'
import { resolveConfig } from '../../src/core/config.ts'
import { createSuite } from '../support/suite.ts'
import { typing } from '../support/typing.ts'
import { pythonWith } from './python-tools.ts'

/** A model of scikit-learn that MLflow's client logs, from there to gate, release, an alert on wrong answers and rollback. */
type Row = Record<string, number> & { target: number; chance: number }

const run = promisify(execFile)
const script = fileURLToPath(new URL('own-model-log.py', import.meta.url))
const model = 'tumour'
const files: Record<string, string> = {
  'keel.yaml': 'project: tumours\ngolden:\n  - { golden: tumour-golden, file: golden.csv, id: id, label: target }\n',
  [`models/${model}.yaml`]: `model: ${model}
owner: ann@team.example
backup: bob@team.example
purpose: Whether a tumour is benign, for the second look.
serves: { output: binary, limits: { timeout: 30s } }
golden: tumour-golden
delivery: { rollout: { shadow: 1h, steps: [50, 100], bake: 1h } }
monitoring: { every: 1d, min_rows: 100 }
`,
}
const day = 86_400_000
const { check, skip, end } = createSuite({ timed: true })

const found = pythonWith('serving')
if ('missing' in found) {
  skip('everything', found.missing)
  end()
  process.exit()
}
const { python } = found
const folder = mkdtempSync(join(tmpdir(), 'keel-own-model-'))
for (const [path, text] of Object.entries(files)) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
const clock = simulatedClock(new Date('2026-01-01T00:00:00Z'))
const { config } = resolveConfig({ environment: {} })
const mlflow = `${join(dirname(python), 'mlflow')} models serve`
const app = await createApp({
  config: { ...config, port: '0', log: 'silent', clock: 'simulated', mlflow },
  root: folder,
  clock,
})
const url = await app.listen({ port: 0 })
const client = createClient<Api>(routesOf(api), { url })
const { shown } = typing({ url, cwd: folder })
const release = `${model}.r1`
let rows: Row[] = []
let sent = 0

/** Every row once, with its label or another. */
async function traffic(labelOf: (row: Row) => number): Promise<void> {
  const labels = []
  for (const { target, chance, ...inputs } of rows) {
    const id = `p${sent++}`
    await client.serving.predict({ endpoint: model, inputs, id, unit: id })
    labels.push({ id, value: labelOf({ target, chance, ...inputs } as Row) })
  }
  await client.serving.label({ endpoint: model, labels })
}

const later = async (milliseconds: number) => {
  await client.system.advanceClock({ to: new Date(app.ctx.now().getTime() + milliseconds).toISOString() })
  await app.worker.drain()
}

try {
  await check('MLflow logs and registers a model of scikit-learn', async () => {
    // Not lastLine: this process is the server that the script talks to.
    const { stdout } = await run(python, ['-I', script, url, folder], { maxBuffer: 64 * 1024 * 1024 })
    rows = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Row[]
    const version = await client.registry.getVersion({ model, version: 1 })
    assert.equal(version.signature?.inputs.length, 6)
    assert.ok(version.run)
    return `flavors ${version.mlflow?.flavors.join(', ')}`
  })
  await check('its files are applied, and its training rows are named', async () => {
    await shown('apply')
    return (await shown('models', 'reference', `${model}@1`, 'train.csv', '--label', 'target')).trim()
  })
  await check('it is gated against the mean of its training labels', async () => {
    const text = await shown('gate', `${model}@1`)
    return text.split('\n')[0] ?? ''
  })
  await check('its answers here are those of scikit-learn', async () => {
    const { outputs } = await client.serving.predictBatch({
      model,
      version: 1,
      rows: rows.slice(0, 50).map(({ target: _, chance: __, ...inputs }) => inputs),
    })
    const largest = Math.max(
      ...outputs.map((output, index) => Math.abs(Number(output) - (rows[index]?.chance ?? Number.NaN))),
    )
    assert.ok(largest < 1e-9, `largest difference ${largest}`)
    return `50 rows, largest difference ${largest}`
  })
  await check('it is released by shadow and steps', async () => {
    await shown('release', `${model}@1`, '--reason', 'the first')
    for (const step of ['shadow', 'half', 'all', 'bake']) {
      await traffic(({ target }) => target)
      await later(day / 8)
      if (step === 'shadow') assert.equal((await client.delivery.getRelease({ release })).state, 'rolling_out')
    }
    const { state } = await client.delivery.getRelease({ release })
    if (state !== 'live') await client.delivery.promote({ release })
    assert.equal((await client.registry.getModel({ model })).aliases['live'], 1)
    return `${sent} requests; ${state}`
  })
  await check('wrong answers page', async () => {
    await later(2 * day)
    for (let index = 0; index < 3; index++) {
      await traffic(({ target }) => (index % 2 === 0 ? 0 : target * 0))
      await later(day)
    }
    await later(day)
    const { items } = await client.monitoring.listAlerts({ model })
    const alert = items.find(({ signal, severity }) => signal === 'bias' && severity === 'page')
    assert.ok(alert, JSON.stringify(items.map(({ signal, severity }) => [signal, severity])))
    return String(alert.release)
  })
  await check(
    'it is rolled back',
    async () => (await shown('rollback', model, '--reason', 'wrong since yesterday')).split('\n')[0] ?? '',
  )
} finally {
  await app.close()
  rmSync(folder, { recursive: true, force: true })
}
end()
process.exit()
