import type { Context } from '../../../core/context.ts'
import type { Estimate } from '../../../core/contract.ts'
import { proportionInterval } from '../../../core/stats/intervals.ts'
import type { Sketch } from '../../../core/stats/sketch.ts'
import * as features from '../../features/features.ts'
import * as registry from '../../registry/registry.ts'
import { type DetectedSignal, labelSignals } from '../alerts/alerts.ts'
import type { Signal } from '../contract.ts'
import { type BaselineProfile, biasAlarms } from '../rules.ts'
import type { Settings } from '../settings.ts'
import type { Accumulator } from './accumulator.ts'
import { blindSpot, type Window } from './summary.ts'

const percent = (value: number | null) => `${(100 * (value ?? 0)).toFixed(1)} %`
const plain = (value: number | null) => (value ?? 0).toPrecision(4)

type LabelEvidence = {
  window: Window
  own: Accumulator
  baseline: BaselineProfile | undefined
  settings: Settings
  /** Prediction minus label, over the window and the earlier ones that were merged with it. */
  residuals: Sketch | undefined
}

/** Signals from labels, most important first; `silent` are those for which there are too few labels. */
export function signalsFromLabels(evidence: LabelEvidence): { signals: DetectedSignal[]; silent: Signal[] } {
  const { own, settings, residuals } = evidence
  const enough = (settings.kind.quantities ? own.bias.n : own.judged.seen) >= settings.minRows
  const summed =
    !enough && residuals?.numbers && residuals.numbers.count >= settings.minRows ? residuals.numbers : undefined
  if (!enough && !summed) return { signals: [], silent: [...labelSignals] }
  return { signals: signalsOf(evidence, summed), silent: enough ? [] : ['quality'] }
}

function signalsOf(
  { window, own, baseline, settings }: LabelEvidence,
  summed: Sketch['numbers'] | undefined,
): DetectedSignal[] {
  const { n, mean: bias, squares } = summed ? { ...summed, n: summed.count } : own.bias
  const sampled = Math.sqrt(squares / Math.max(1, n - 1) / n)
  const error = settings.binary && !summed ? Math.sqrt(own.spread) / n : sampled
  const threshold = baseline?.bias.threshold ?? settings.bias
  const calibrated = baseline?.bias.window
  const signals: DetectedSignal[] = []
  const shown = settings.binary ? percent : plain
  if (biasAlarms({ bias, error, threshold })) {
    const half = 1.96 * sampled
    signals.push({
      signal: 'bias',
      subject: '',
      severity: 'page',
      summary: summed
        ? `Over ${n} labelled rows it predicted ${shown(Math.abs(bias))} too ${bias > 0 ? 'much' : 'little'}.`
        : `It predicted ${shown(window.meanPrediction.value)} and ${shown(window.meanLabel.value)} happened.`,
      value: summed ? { value: bias, n, lower: bias - half, upper: bias + half } : window.bias,
      threshold,
      thresholdFrom: calibrated ? `the largest in its own training windows (${calibrated.slice(0, 10)})` : 'the spec',
    })
  }
  return summed ? signals : [...signals, ...brokenFloors(window, settings)]
}

/** Metrics that are beyond the bounds of the spec, whatever chance does. */
function brokenFloors({ metrics = [] }: Window, { floors }: Settings): DetectedSignal[] {
  return floors.flatMap(({ metric, at_least: least, at_most: most }): DetectedSignal[] => {
    const found = metrics.find((one) => one.metric === metric)
    const { value = null, lower, upper } = found?.estimate ?? {}
    if (!found || value === null) return []
    const below = least !== undefined && (upper ?? Number.POSITIVE_INFINITY) < least
    const above = most !== undefined && (lower ?? Number.NEGATIVE_INFINITY) > most
    const bound = below ? least : above ? most : undefined
    if (bound === undefined) return []
    const { n } = found.estimate
    return [
      {
        signal: 'quality',
        subject: metric,
        severity: 'page',
        summary: `${shownMetric(metric)} is ${plain(value)}, ${below ? 'below the floor' : 'above the limit'} of ${bound} beyond doubt (n ${n}, ${percent(found.share)} of the answers).`,
        value: found.estimate,
        threshold: bound,
        thresholdFrom: 'the floor of the spec',
      },
    ]
  })
}

function shownMetric(metric: string): string {
  return metric === 'auc' ? 'AUC' : metric
}

export function signalsFromService(window: Window, settings: Settings): DetectedSignal[] {
  const signals: DetectedSignal[] = []
  if ((window.errorRate.lower ?? 0) > settings.badRate) {
    signals.push({
      signal: 'errors',
      subject: '',
      severity: 'page',
      summary: `${percent(window.errorRate.value)} of the answers were bad (failed, slow or invalid)${markedWords(window)}.`,
      value: window.errorRate,
      threshold: settings.badRate,
      thresholdFrom: 'the spec',
    })
  }
  const slow = settings.slowMilliseconds
  if (slow !== undefined && (window.p95Ms.lower ?? 0) > slow) {
    signals.push({
      signal: 'latency',
      subject: '',
      severity: 'page',
      summary: `One answer in twenty takes longer than ${(window.p95Ms.value ?? 0).toFixed(0)} ms.`,
      value: window.p95Ms,
      threshold: slow,
      thresholdFrom: 'delivery.rollout.slow_after of the spec',
    })
  }
  const { costPer1k } = window
  const budget = settings.costPer1k
  if (costPer1k && budget !== undefined && (costPer1k.lower ?? 0) > budget) {
    signals.push({
      signal: 'cost',
      subject: '',
      severity: 'page',
      summary: `A thousand answers cost ${(costPer1k.value ?? 0).toPrecision(3)}.`,
      value: costPer1k,
      threshold: budget,
      thresholdFrom: 'the guardrail cost_per_1k of the spec',
    })
  }
  return signals
}

function markedWords({ marks = {} }: Window): string {
  const words = registry.markWords(marks)
  return words === '' ? '' : `; marked: ${words}`
}

/** Classes where probabilities are expected: they rank and count, so that every number of quality looks plausible. */
export function signalsFromClasses({ classes, scores, version }: Accumulator, settings: Settings): DetectedSignal[] {
  const n = scores.seen
  if (!settings.binary || version === 0 || n < registry.fewestClasses || classes < n) return []
  return [
    {
      signal: 'errors',
      subject: 'class_for_probability',
      severity: 'digest',
      summary: `Each of ${n} answers was 0 or 1: a class, where a probability was expected. Say which output is the score in the signature.`,
      value: { value: 1, n },
      threshold: 1,
      thresholdFrom: `at least ${registry.fewestClasses} answers`,
    },
  ]
}

/** An estimate without labels pages only where there are no labels; where there are some, they decide. */
export function signalsFromEstimate(
  window: Window,
  baseline: BaselineProfile | undefined,
  settings: Settings,
  labelled: number,
): DetectedSignal[] {
  const { accuracy } = window.estimated ?? {}
  const least = baseline?.leastAccuracy
  if (!accuracy || least === null || least === undefined || (accuracy.upper ?? 1) >= least) return []
  return [
    {
      signal: 'estimate',
      subject: 'accuracy',
      severity: labelled >= settings.minRows ? 'digest' : 'page',
      summary: `By its own confidence ${percent(accuracy.value)} of the answers are right. ${blindSpot}`,
      value: accuracy,
      threshold: least,
      thresholdFrom: 'three deviations below its training windows',
    },
  ]
}

/** A column that became empty pages at once; another share of missing values waits for the digest. */
export function signalsFromMissing({ missing = [] }: Window): DetectedSignal[] {
  return missing
    .filter(({ changed }) => changed)
    .map(({ column, reference, now, emptied }) => {
      const before = reference.missing / reference.n
      const shares = `${percent(now.value)} of its ${now.n} values are missing, ${percent(before)} of ${reference.n} were in training`
      return {
        signal: 'missing' as const,
        subject: column,
        severity: emptied ? ('page' as const) : ('digest' as const),
        summary: emptied ? `"${column}" became empty: ${shares}.` : `"${column}" has other holes: ${shares}.`,
        value: now,
        threshold: before,
        thresholdFrom: 'the share in training, beyond chance over all columns',
      }
    })
}

/** Drift alone proves no harm, so it goes to the digest and never pages. */
export function signalsFromDrift(window: Window): DetectedSignal[] {
  return window.drift
    .filter(({ drifted }) => drifted)
    .map(({ column, psi, critical, m = window.requests }) => ({
      signal: 'drift' as const,
      subject: column,
      severity: 'digest' as const,
      summary: `"${column}" moved away from training: PSI ${psi.toFixed(3)}.`,
      value: { value: psi, n: m },
      threshold: critical,
      thresholdFrom: 'the largest of effect size, chance at this sample size, and training windows',
    }))
}

const paritySample = 200
const parityTolerance = 1e-6
const parityShare = 0.01

/**
 * Recomputes the features of a sample of requests: values that differ from the served ones are training-serving skew. Undefined
 * where the log keeps too little for that.
 */
export async function signalsFromParity(
  ctx: Context,
  model: string,
  { version, sample }: Accumulator,
): Promise<DetectedSignal[] | undefined> {
  if (version === 0) return []
  const { service } = await registry.getVersion(ctx, { model, version })
  if (service === null) return []
  const step = Math.max(1, Math.floor(sample.items.length / paritySample))
  const fields = (await features.requestFields(ctx, service)).map(({ name }) => name)
  // Rows of which the log omits request fields on purpose cannot be recomputed.
  const isWhole = (row: (typeof sample.items)[number]) => fields.every((name) => name in row.inputs)
  const rows = sample.items.filter((row, index) => index % step === 0 && row.bad !== 'error' && isWhole(row))
  if (rows.length === 0) return undefined
  const recomputed = await features.lookupAsOf(ctx, {
    service,
    rows: rows.map(({ at, inputs }) => ({ time: at, request: inputs })),
    asOf: 'known',
    unfit: 'nothing',
  })
  const differing = rows.filter(({ inputs }, index) =>
    Object.entries(recomputed[index] ?? {}).some(([name, value]) => {
      const served = inputs[name] ?? null
      return typeof served === 'number' && typeof value === 'number'
        ? Math.abs(served - value) > parityTolerance
        : served !== value
    }),
  ).length
  const share = differing / rows.length
  if (share <= parityShare) return []
  const { lower, upper } = proportionInterval(differing, rows.length)
  const value: Estimate = { value: share, n: rows.length, lower, upper }
  return [
    {
      signal: 'parity',
      subject: '',
      severity: 'page',
      summary: `${differing} of ${rows.length} sampled requests were served with other values than the sources give for their moment.`,
      value,
      threshold: parityShare,
      thresholdFrom: 'fixed',
    },
  ]
}
