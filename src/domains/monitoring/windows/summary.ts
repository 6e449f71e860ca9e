import type { Static } from 'typebox'
import type { Estimate } from '../../../core/contract.ts'
import { estimatePerformance } from '../../../core/stats/cbpe.ts'
import { domainDrift } from '../../../core/stats/domain-classifier.ts'
import { proportionInterval, quantileInterval } from '../../../core/stats/intervals.ts'
import { sketchTests } from '../../../core/stats/sketch-comparison.ts'
import type { AnswersOfSpec } from '../../evaluation/evaluation.ts'
import type { Window as WindowSchema } from '../contract.ts'
import { type BaselineProfile, type Drift, decideDrift, type Row } from '../rules.ts'
import type { Settings } from '../settings.ts'
import type { Accumulator, RunningMoments, ServiceTotals } from './accumulator.ts'
import { residualColumn } from './baseline.ts'
import { type OutcomeTotals, outcomesOf } from './outcomes.ts'
import type { Sketches } from './sketches.ts'

export type Window = Static<typeof WindowSchema>

type WindowInput = {
  model: string
  from: string
  to: string
  own: Accumulator
  service: ServiceTotals
  drift: Drift[]
  notJudged: NonNullable<Window['notJudged']>
  missing: NonNullable<Window['missing']>
  baseline: BaselineProfile | undefined
  mergedFrom: string | undefined
  answers: AnswersOfSpec
  outcomes: OutcomeTotals
}

const z95 = 1.959963984540054

/** The window as it is stored and shown: every number with its n and interval. */
export function summarizeWindow(input: WindowInput): Window {
  const { model, from, to, own, service, drift, notJudged, missing, baseline, mergedFrom, answers, outcomes } = input
  const { rows, requests, labelled, bad, marked, marks, latencies, costs, knownUpTo } = service
  const errors = proportionInterval(bad, Math.max(1, rows))
  const latency = quantileInterval(latencies.items, 0.95)
  return {
    model,
    from,
    to,
    release: own.release,
    requests,
    labelled,
    ...qualityOf(own, answers),
    ...reportedOf(outcomes),
    errorRate: { value: bad / Math.max(1, rows), n: rows, lower: errors.lower, upper: errors.upper },
    markedRate: shareOf(marked, rows),
    marks,
    p95Ms: {
      value: finite(latency.value),
      n: latencies.seen,
      lower: finite(latency.lower),
      upper: finite(latency.upper),
    },
    ...(costs.n === 0 ? {} : { costPer1k: thousandOf(meanOf(costs)) }),
    drift: drift.map(({ column, psi, critical, drifted, tests }) => ({
      column,
      psi,
      critical,
      drifted,
      ...measures(tests),
    })),
    missing,
    notJudged,
    knownUpTo,
    ...(mergedFrom === undefined ? {} : { mergedFrom }),
    ...estimatedOf(own, baseline),
    ...domainOf(own, baseline),
  }
}

export function reportedOf(totals: OutcomeTotals): Pick<Window, 'outcomes'> {
  const outcomes = outcomesOf(totals)
  return outcomes.length === 0 ? {} : { outcomes }
}

function shareOf(count: number, n: number): Estimate {
  if (n === 0) return { value: null, n, lower: null, upper: null }
  return { value: count / n, n, ...proportionInterval(count, n) }
}

type Quality = Pick<Window, 'meanPrediction' | 'meanLabel' | 'bias' | 'logLoss' | 'auc' | 'absoluteError' | 'metrics'>

const unknown: Estimate = { value: null, n: 0, lower: null, upper: null }

/** Quality by the labels known so far: the metrics of its kind of answers and of its spec, and the bias of quantities. */
export function qualityOf(own: Accumulator, answers: AnswersOfSpec): Quality {
  const { items, seen } = own.judged
  const metrics = answers.measure(items).map(({ metric, direction, estimate, rows }) => ({
    metric,
    direction,
    estimate,
    share: own.rows === 0 || items.length === 0 ? 0 : (rows / items.length) * (seen / own.rows),
  }))
  const found = (name: string) => metrics.find(({ metric }) => metric === name)?.estimate
  const absoluteError = found('mae')
  return {
    meanPrediction: meanOf(own.prediction),
    meanLabel: meanOf(own.label),
    bias: meanOf(own.bias),
    logLoss: answers.kind.quantities ? (found('log_loss') ?? unknown) : unknown,
    auc: found('auc') ?? unknown,
    ...(absoluteError ? { absoluteError } : {}),
    metrics,
  }
}

function thousandOf({ value, lower, upper, n }: Estimate): Estimate {
  const times = (one: number | null | undefined) => (one === null || one === undefined ? null : one * 1_000)
  return { value: times(value), n, lower: times(lower), upper: times(upper) }
}

type Measures = Omit<Window['drift'][number], 'column' | 'psi' | 'critical' | 'drifted'>

/** The measures of drift; one that is not a finite number is left out. */
export function measures(tests: Drift['tests']): Measures {
  const { p, jensenShannon, kolmogorovSmirnov, wasserstein, chiSquare, missing, unseen, n, m } = tests
  const whole = (pair: Record<string, number> | null) => pair !== null && Object.values(pair).every(Number.isFinite)
  return {
    n,
    m,
    ...(Number.isFinite(p) ? { p } : {}),
    ...(Number.isFinite(jensenShannon) ? { jensenShannon } : {}),
    ...(kolmogorovSmirnov && whole(kolmogorovSmirnov) ? { kolmogorovSmirnov } : {}),
    ...(wasserstein !== null && Number.isFinite(wasserstein) ? { wasserstein } : {}),
    ...(chiSquare && whole(chiSquare) ? { chiSquare } : {}),
    ...(Number.isFinite(missing) ? { missing } : {}),
    ...(Number.isFinite(unseen) ? { unseen } : {}),
  }
}

/** Drift by column, against training or against an earlier period. */
export function driftOf(
  baseline: Pick<BaselineProfile, 'columns'>,
  now: Sketches,
  settings: Pick<Settings, 'effect'>,
  before?: Sketches,
): Drift[] {
  const columns = baseline.columns.flatMap(({ column, sketch, threshold }) => {
    const current = now.get(column)
    const earlier = before ? before.get(column) : sketch
    if (column === residualColumn || !current || !earlier) return []
    return [{ column, tests: sketchTests(earlier, current), threshold: before ? 0 : threshold }]
  })
  return decideDrift(columns, settings.effect)
}

function finite(value: number | null): number | null {
  return Number.isFinite(value) ? value : null
}

function meanOf({ n, mean: value, squares }: RunningMoments): Estimate {
  if (n === 0) return { value: null, n, lower: null, upper: null }
  const half = n < 2 ? Number.NaN : z95 * Math.sqrt(squares / (n - 1) / n)
  return { value, n, lower: n < 2 ? null : value - half, upper: n < 2 ? null : value + half }
}

/** The blind spot of every estimate without labels. */
export const blindSpot =
  'This assumes that the same inputs still mean the same. When their meaning changes, only labels show it.'

function estimatedOf({ scores, rows }: Accumulator, baseline: BaselineProfile | undefined): Pick<Window, 'estimated'> {
  const calibration = baseline?.calibration
  if (!calibration || scores.items.length === 0) return {}
  const { accuracy, auc: area } = estimatePerformance({ scores: scores.items, calibration })
  if (!Number.isFinite(accuracy)) return {}
  const half = z95 * Math.sqrt((accuracy * (1 - accuracy)) / scores.items.length)
  return {
    estimated: {
      accuracy: { value: accuracy, n: rows, lower: Math.max(0, accuracy - half), upper: Math.min(1, accuracy + half) },
      auc: { value: finite(area), n: rows },
      blindSpot,
    },
  }
}

const domainRows = 500

function domainOf({ sample }: Accumulator, baseline: BaselineProfile | undefined): Pick<Window, 'domain'> {
  const columns = (baseline?.columns ?? []).map(({ column }) => column)
  if (!baseline || sample.items.length < 50 || baseline.sample.length < 50) return {}
  const step = Math.max(1, Math.floor(sample.items.length / domainRows))
  const now = sample.items
    .filter((_, index) => index % step === 0)
    .map(
      ({ inputs }): Row =>
        Object.fromEntries(columns.flatMap((name) => (name in inputs ? [[name, inputs[name] ?? null]] : []))),
    )
  const found = domainDrift(baseline.sample, now)
  if (!Number.isFinite(found.auc)) return {}
  return {
    domain: {
      auc: { value: found.auc, n: found.n + found.m, lower: found.lower, upper: found.upper },
      columns: found.columns.slice(0, 10),
    },
  }
}
