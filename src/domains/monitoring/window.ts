import type { Static } from 'typebox'
import type { Context } from '../../core/context.ts'
import type { Estimate } from '../../core/contract.ts'
import { enqueue } from '../../core/jobs.ts'
import { auc, logLossOf } from '../../core/stats/metrics.ts'
import { proportionInterval, quantileInterval } from '../../core/stats/order-statistics.ts'
import { pairedBootstrap } from '../../core/stats/paired-bootstrap.ts'
import { mean, variance } from '../../core/stats/summary.ts'
import { transaction } from '../../core/transaction.ts'
import * as features from '../features/features.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import { type Finding, settle } from './alerting.ts'
import type { Window as WindowSchema } from './contract.ts'
import { referenceOf, scoreColumn } from './reference.ts'
import { biasAlarms, driftOf, type Reference, windowAround } from './rules.ts'
import { type Settings, settingsOf } from './settings.ts'
import * as store from './store.ts'

export type Window = Static<typeof WindowSchema>
type Logged = serving.LoggedPrediction

/** Plans the window that is open now; each one plans the next. */
export async function watch(ctx: Context, { model }: { model: string }): Promise<void> {
  const { spec } = await registry.getModel(ctx, { model })
  if (!spec) return
  const settings = settingsOf(spec)
  await planWindow(ctx, model, windowAround(ctx.now().getTime(), settings.anchor, settings.length).from, settings)
}

async function planWindow(ctx: Context, model: string, from: number, settings: Settings): Promise<void> {
  const start = new Date(from).toISOString()
  const runAt = new Date(from + settings.length + settings.maturity)
  await enqueue(ctx, {
    kind: 'monitoring.window',
    payload: { model, from: start },
    key: `monitoring.window/${model}/${start}`,
    runAt,
  })
}

/** A release that answered only some days of a window cannot be compared with whole weeks of training. */
const mostOfIt = 0.9

/** The job at the end of each window, when its labels have come. */
export async function closeWindow(ctx: Context, payload: Record<string, unknown>): Promise<unknown> {
  const model = String(payload['model'])
  const from = String(payload['from'])
  const spec = await registry.requireSpec(ctx, model)
  const settings = settingsOf(spec)
  const to = new Date(Date.parse(from) + settings.length).toISOString()
  const rows = (await serving.readLog(ctx, { endpoint: model, from, to })).filter(({ arm }) => arm !== 'shadow')
  const main = mainRelease(rows)
  if (main) {
    const own = rows.filter(({ release }) => release === main.release)
    const reference = await referenceOf(ctx, model, main.version, settings)
    const window = describe({ model, from, to, own, all: rows, release: main.release, reference, settings })
    const whole = own.length >= rows.length * mostOfIt
    const findings = [
      ...labelFindings(window, own, reference, settings),
      ...serviceFindings(window, settings),
      ...(whole ? driftFindings(window) : []),
    ]
    findings.push(...(await parityFindings(ctx, model, main.version, own)))
    await transaction(ctx, async (ctx) => {
      await store.saveWindow(ctx, { model, from_at: from, to_at: to, content: JSON.stringify(window) })
      await settle(ctx, window, main.version === 0 ? [] : findings)
    })
  }
  await planWindow(ctx, model, Date.parse(to), settings)
  return { requests: rows.length }
}

/** Who answered most of the window. */
function mainRelease(rows: Logged[]): { release: string; version: number } | undefined {
  const counts = new Map<string, { release: string; version: number; n: number }>()
  for (const { release, version } of rows)
    counts.set(release, { release, version, n: (counts.get(release)?.n ?? 0) + 1 })
  return [...counts.values()].sort((a, b) => b.n - a.n)[0]
}

type Described = {
  model: string
  from: string
  to: string
  own: Logged[]
  all: Logged[]
  release: string
  reference: Reference | undefined
  settings: Settings
}

function describe({ model, from, to, own, all, release, reference, settings }: Described): Window {
  const labelled = own.filter(({ label, output }) => label !== null && typeof output === 'number')
  const predictions = labelled.map(({ output }) => Number(output))
  const labels = labelled.map(({ label }) => Number(label))
  const bad = all.filter((row) => row.bad !== null).length
  const errors = proportionInterval(bad, Math.max(1, all.length))
  const latency = quantileInterval(
    all.map(({ latencyMs }) => latencyMs),
    0.95,
  )
  return {
    model,
    from,
    to,
    release,
    requests: all.length,
    labelled: labelled.length,
    meanPrediction: meanOf(predictions),
    meanLabel: meanOf(labels),
    bias: meanOf(predictions.map((p, index) => p - (labels[index] ?? 0))),
    logLoss: meanOf(predictions.map((p, index) => logLossOf(labels[index] ?? 0, p))),
    auc: aucOf(labels, predictions),
    errorRate: { value: bad / Math.max(1, all.length), n: all.length, lower: errors.lower, upper: errors.upper },
    p95Ms: { value: latency.value, n: all.length, lower: latency.lower, upper: latency.upper },
    drift: (reference?.bins ?? []).map((bins) =>
      driftOf(
        bins,
        own.map((row) => (bins.column === scoreColumn ? row.output : (row.inputs[bins.column] ?? null))),
        settings.effect,
      ),
    ),
  }
}

const z95 = 1.959963984540054

function meanOf(values: number[]): Estimate {
  const n = values.length
  if (n === 0) return { value: null, n, lower: null, upper: null }
  const value = mean(values)
  const half = n < 2 ? Number.NaN : z95 * Math.sqrt(variance(values) / n)
  return { value, n, lower: n < 2 ? null : value - half, upper: n < 2 ? null : value + half }
}

const aucResamples = 200

function aucOf(labels: number[], predictions: number[]): Estimate {
  const value = auc(labels, predictions)
  if (!Number.isFinite(value)) return { value: null, n: labels.length, lower: null, upper: null }
  const pick = (from: number[], items: Int32Array) => Array.from(items, (item) => from[item] ?? 0)
  const { lower, upper } = pairedBootstrap({
    n: labels.length,
    candidate: (items) => auc(pick(labels, items), pick(predictions, items)),
    resamples: aucResamples,
  })
  return { value, n: labels.length, lower, upper }
}

function labelFindings(window: Window, own: Logged[], reference: Reference | undefined, settings: Settings): Finding[] {
  const labelled = own.filter(({ label, output }) => label !== null && typeof output === 'number')
  if (labelled.length < settings.fewest) return []
  const threshold = reference?.bias.threshold ?? settings.bias
  const { alarms } = biasAlarms(
    labelled.map(({ output }) => Number(output)),
    labelled.map(({ label }) => Number(label)),
    threshold,
  )
  if (!alarms) return []
  const percent = (value: number | null) => `${(100 * (value ?? 0)).toFixed(1)} %`
  const calibrated = reference?.bias.window
  return [
    {
      signal: 'bias',
      subject: '',
      severity: 'page',
      summary: `It predicted ${percent(window.meanPrediction.value)} and ${percent(window.meanLabel.value)} happened.`,
      value: window.bias,
      threshold,
      thresholdFrom: calibrated ? `the largest in its own training windows (${calibrated.slice(0, 10)})` : 'the spec',
    },
  ]
}

function serviceFindings(window: Window, settings: Settings): Finding[] {
  if ((window.errorRate.lower ?? 0) <= settings.badRate) return []
  const summary = `${((window.errorRate.value ?? 0) * 100).toFixed(1)} % of the answers were bad (failed, slow or invalid).`
  return [
    {
      signal: 'errors',
      subject: '',
      severity: 'page',
      summary,
      value: window.errorRate,
      threshold: settings.badRate,
      thresholdFrom: 'the spec',
    },
  ]
}

/** Drift alone harms nobody: it is for the digest, never for the night. */
function driftFindings(window: Window): Finding[] {
  return window.drift
    .filter(({ drifted }) => drifted)
    .map(({ column, psi, critical }) => ({
      signal: 'drift' as const,
      subject: column,
      severity: 'digest' as const,
      summary: `"${column}" moved away from training: PSI ${psi.toFixed(3)}.`,
      value: { value: psi, n: window.requests },
      threshold: critical,
      thresholdFrom: 'the largest of effect size, chance at this sample size, and training windows',
    }))
}

const paritySample = 200
const parityTolerance = 1e-6
const parityShare = 0.01

/** Recomputes a sample of what was served; differing values mean training and serving do not speak of the same thing. */
async function parityFindings(ctx: Context, model: string, version: number, own: Logged[]): Promise<Finding[]> {
  if (version === 0) return []
  const { service } = await registry.getVersion(ctx, { model, version })
  if (service === null) return []
  const step = Math.max(1, Math.floor(own.length / paritySample))
  const sample = own.filter((row, index) => index % step === 0 && row.bad !== 'error')
  if (sample.length === 0) return []
  const recomputed = await features.lookupAsOf(ctx, {
    service,
    rows: sample.map(({ at, inputs }) => ({ time: at, request: inputs })),
    asOf: 'known',
  })
  const differing = sample.filter(({ inputs }, index) =>
    Object.entries(recomputed[index] ?? {}).some(([name, value]) => {
      const served = inputs[name] ?? null
      return typeof served === 'number' && typeof value === 'number'
        ? Math.abs(served - value) > parityTolerance
        : served !== value
    }),
  ).length
  const share = differing / sample.length
  if (share <= parityShare) return []
  const { lower, upper } = proportionInterval(differing, sample.length)
  const summary = `${differing} of ${sample.length} sampled requests were served with other values than the sources give for their moment.`
  return [
    {
      signal: 'parity',
      subject: '',
      severity: 'page',
      summary,
      value: { value: share, n: sample.length, lower, upper },
      threshold: parityShare,
      thresholdFrom: 'fixed',
    },
  ]
}
