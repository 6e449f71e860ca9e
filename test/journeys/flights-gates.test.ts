import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { train } from '../../examples/flights/src/fit.ts'
import { type Flight, readFlights } from '../../examples/flights/src/flights.ts'
import { signatureOf, toOnnx } from '../../examples/flights/src/logistic-model.ts'
import type { Context } from '../../src/core/context.ts'
import { week } from '../../src/core/duration.ts'
import { openTable } from '../../src/core/tables/tables.ts'
import * as artifacts from '../../src/domains/artifacts/artifacts.ts'
import * as datasets from '../../src/domains/datasets/datasets.ts'
import { definition, makeSpec } from '../../src/domains/evaluation/evaluation.fixture.ts'
import * as evaluation from '../../src/domains/evaluation/evaluation.ts'
import * as features from '../../src/domains/features/features.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import { testContext } from '../support/context.ts'
import * as expected from '../support/flights-expected.ts'

const model = 'flight-delay'
const request = ['hour', 'weekday', 'distance', 'origin', 'destination']
const categorical = ['hour', 'weekday', 'origin', 'destination']
const data = new URL('../../examples/flights/data/flights.csv.gz', import.meta.url)
const golden = new URL('../../examples/flights/golden/flights.csv', import.meta.url)

async function goldenItems() {
  const items: Record<string, unknown>[] = []
  for await (const rows of (await openTable(fileURLToPath(golden))).read()) items.push(...rows)
  return items
}

const late = (feature: string, window: string) => ({ feature, fn: 'mean' as const, of: 'late', window })

const requestFields = request.map((name) => ({
  name,
  type: name === 'origin' || name === 'destination' ? ('string' as const) : ('number' as const),
}))

const flightFeatures = {
  entities: [
    { name: 'origin', keys: ['origin'] },
    { name: 'destination', keys: ['destination'] },
    { name: 'route', keys: ['origin', 'destination'] },
  ],
  views: [
    {
      name: 'origin_delays',
      entity: 'origin',
      source: 'flights',
      aggregates: [late('origin_late_3h', '3h'), late('origin_late_24h', '24h')],
    },
    {
      name: 'destination_delays',
      entity: 'destination',
      source: 'flights',
      aggregates: [late('destination_late_3h', '3h')],
    },
    {
      name: 'route_delays',
      entity: 'route',
      source: 'flights',
      aggregates: [late('route_late_24h', '24h'), late('route_late_7d', '7d')],
    },
  ],
  services: [
    { name: 'flight_delay_v1', request: requestFields },
    {
      name: 'flight_delay_v2',
      request: requestFields,
      features: [
        'origin_delays:origin_late_3h',
        'origin_delays:origin_late_24h',
        'destination_delays:destination_late_3h',
        'route_delays:route_late_24h',
        'route_delays:route_late_7d',
      ],
    },
  ],
}

async function registerTrained(ctx: Context, service: string, asOf: 'known' | 'event'): Promise<void> {
  const { from, to } = expected.trainingSet
  const set = await features.createTrainingSet(ctx, { service, source: 'flights', from, to, label: 'late', asOf })
  const rows = await features.trainingRows(ctx, set.id)
  const inputs = service === 'flight_delay_v1' ? request : [...request, ...expected.rates]
  const columns = (row: Record<string, unknown>) => Object.fromEntries(inputs.map((name) => [name, value(row[name])]))
  const table = { rows: rows.map(columns), labels: rows.map((row) => Number(row['late'])) }
  const { model: trained } = train(table, { features: inputs, categorical, l2: 1 })
  const blob = await ctx.blobs.put(toOnnx(trained))
  const { digest } = await artifacts.create(ctx, { files: [{ path: 'model.onnx', ...blob }] })
  await registry.registerVersion(ctx, {
    model,
    flavor: 'onnx',
    artifact: digest,
    signature: signatureOf(trained),
    service,
    trainingSet: set.id,
  })
}

function value(found: unknown): number | string | null {
  return typeof found === 'number' || typeof found === 'string' ? found : null
}

function lossOfKnownRate(flights: readonly Flight[], departs: string, label: number): number {
  const moment = Date.parse(departs)
  const known = flights.filter(({ known_at }) => {
    const at = Date.parse(known_at)
    return at <= moment && at > moment - week
  })
  const rate = known.reduce((sum, flight) => sum + flight.late, 0) / known.length
  return -Math.log(label === 1 ? rate : 1 - rate)
}

function near(found: number | null | undefined, wanted: number, tolerance: number, what: string): void {
  assert.ok(Math.abs((found ?? Number.NaN) - wanted) <= tolerance, `${what}: ${found}, not ${wanted}`)
}

test('gates of the flight models decide as computed apart', async (t) => {
  const ctx = await testContext(t)
  const vetted = { by: 'ana@team.example', on: '2026-01-01' }
  await datasets.applySource(ctx, {
    source: 'flights',
    owner: 'ana@team.example',
    vetted,
    time: 'departs',
    known_at: 'known_at',
    key: ['id'],
  })
  const flights = readFlights(data).filter(({ departs }) => departs < '2001-04-01')
  await datasets.append(ctx, { source: 'flights', rows: flights })
  await features.applyFeatures(ctx, flightFeatures)
  const items = await goldenItems()
  await evaluation.applyGolden(ctx, { definition, items })
  await registry.applySpec(ctx, {
    ...makeSpec(
      {
        floors: [{ metric: 'auc', at_least: 0.6 }],
        guardrails: [
          { metric: 'bias', within: 0.05 },
          { metric: 'latency_p95', ratio: 1.1 },
        ],
        slices: ['origin', 'destination'],
      },
      { slow_after: '1s' },
    ),
    labels: { from: 'flights.late', arrive_within: '4h' },
  })
  await registerTrained(ctx, 'flight_delay_v1', 'known')
  await registerTrained(ctx, 'flight_delay_v2', 'known')
  await registerTrained(ctx, 'flight_delay_v2', 'event')

  await t.test('v1 passes against the constant baseline while nothing is live', async () => {
    const gate = await evaluation.runGate(ctx, { model, version: 1 })
    assert.equal(gate.verdict, 'pass', gate.summary)
    const result = await evaluation.getEvaluation(ctx, { evaluation: gate.evaluation ?? '' })
    assert.deepEqual([result.asOf, result.baselineVersion, result.n], ['request', 0, expected.golden.rows])
    const { mean, upper } = expected.golden.differences.v1MinusConstant
    near(result.primary.difference.value, -mean, 5e-5, 'difference')
    near(result.primary.difference.lower, -upper, 4e-3, 'lower bound')
    const metric = (name: string) => result.metrics.find((one) => one.metric === name)?.candidate.value
    near(metric('auc'), expected.golden.v1.auc, expected.tolerance.metric, 'auc')
    near(metric('bias'), expected.golden.v1.bias, expected.tolerance.metric, 'bias')
    const [constant, known, logistic] = result.simpleBaselines
    near(constant?.value, expected.golden.constant.logLoss, 5e-5, 'constant')
    assert.equal(known?.name, 'mean label known of the last 7 d')
    const losses = items.map((item) => lossOfKnownRate(flights, String(item['departs']), Number(item['late'])))
    near(known?.value, losses.reduce((sum, loss) => sum + loss, 0) / losses.length, 1e-9, 'known rate')
    // v1 is a logistic regression itself, with another coding of the same columns.
    assert.equal(logistic?.name, 'logistic regression')
    near(logistic?.value, expected.golden.v1.logLoss, 0.03, 'logistic regression')
  })

  await registry.moveLiveAlias(ctx, { model, version: 1 })

  await t.test('v2, trained on what was known, passes against the live v1', async () => {
    const gate = await evaluation.runGate(ctx, { model, version: 2 })
    assert.equal(gate.verdict, 'pass', gate.summary)
    const result = await evaluation.getEvaluation(ctx, { evaluation: gate.evaluation ?? '' })
    assert.deepEqual([result.asOf, result.against], ['known', 'live (v1)'])
    const { mean, upper } = expected.golden.differences.v2MinusV1
    near(result.primary.difference.value, -mean, 5e-5, 'difference')
    near(result.primary.difference.lower, -upper, 4e-3, 'lower bound')
    const parity = gate.checks.filter(({ check }) => check.startsWith('parity '))
    assert.deepEqual(parity.map(({ check }) => check).sort(), expected.rates.map((rate) => `parity ${rate}`).sort())
    assert.ok(parity.every(({ verdict, value: share }) => verdict === 'pass' && share === 0))
  })

  await t.test('v3, trained on rows that were not known yet, looks best and fails by parity alone', async () => {
    const gate = await evaluation.runGate(ctx, { model, version: 3 })
    assert.equal(gate.verdict, 'fail')
    const result = await evaluation.getEvaluation(ctx, { evaluation: gate.evaluation ?? '' })
    assert.deepEqual([result.asOf, result.primary.verdict], ['event', 'pass'])
    // Golden flights are of March, training rows of before.
    assert.deepEqual(result.representativeness?.overlap, { shared: 0, of: 400 })
    near(result.primary.difference.value, -expected.golden.differences.v3EventMinusV1.mean, 5e-5, 'difference')
    const failed = gate.checks.filter(({ verdict, required }) => required && verdict !== 'pass')
    assert.deepEqual(
      failed.map(({ check }) => check).sort(),
      ['destination_late_3h', 'origin_late_24h', 'origin_late_3h', 'route_late_24h'].map((rate) => `parity ${rate}`),
    )
    const origin = failed.find(({ check }) => check === 'parity origin_late_3h')
    const { differing, oneMissing } = expected.parity.origin_late_3h
    near(origin?.value, differing + oneMissing, 0.03, 'share of a sample of 2,000')
    assert.match(
      origin?.reason ?? '',
      /^served and training values of origin_late_3h differ in 7\d % of rows \(0\.1\d+ on average\): the training set knew rows that serving does not know yet$/,
    )
  })

  await t.test('what the set can prove is known after the first evaluation', async () => {
    const plan = await evaluation.planGate(ctx, { model })
    assert.deepEqual([plan.items, plan.metric, plan.margin], [400, 'log_loss', 0.01])
    assert.ok((plan.smallestMargin ?? 0) > 0.01 && (plan.smallestMargin ?? 1) < 0.05)
    assert.match(plan.explanation, /Add items or widen the margin/)
  })
})
