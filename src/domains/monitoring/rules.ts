import type { Calibration } from '../../core/stats/cbpe.ts'
import { benjaminiHochberg } from '../../core/stats/multiple-testing.ts'
import type { Sketch } from '../../core/stats/sketch.ts'
import type { SketchTests } from '../../core/stats/sketch-comparison.ts'
import type { Signal } from './contract.ts'

export type Value = number | string | null
export type Row = Record<string, Value>

/** A column in training: its sketch, and the largest distance of one of training's own windows from the whole. */
export type ProfileColumn = { column: string; sketch: Sketch; threshold: number }

/** The profile of a version's training data, with which windows are compared. */
export type BaselineProfile = {
  /** Identifies the bins: counts in other bins are never added to these. */
  id: string
  trainingSet: string
  rows: number
  columns: ProfileColumn[]
  bias: { threshold: number; window: string }
  calibration: Calibration | null
  /** The lowest estimated accuracy that is still normal: mean minus three standard deviations over training's windows. */
  leastAccuracy: number | null
  sample: Row[]
}

export function countOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

export type Drift = { column: string; psi: number; critical: number; drifted: boolean; tests: SketchTests }

/** Accepted share of false alarms among the columns called drifted. */
const falseDiscoveryRate = 0.05

/**
 * Which columns drifted? Those whose PSI exceeds both the size of effect that matters and the largest distance within training,
 * and is significant after correcting for the number of columns (Benjamini-Hochberg).
 */
export function decideDrift(
  columns: readonly { column: string; tests: SketchTests; threshold: number }[],
  effect: number,
): Drift[] {
  const tested = columns.filter(({ tests }) => !Number.isNaN(tests.p))
  const significant = benjaminiHochberg(
    tested.map(({ tests }) => Math.min(1, Math.max(0, tests.p))),
    falseDiscoveryRate,
  )
  return columns.map(({ column, tests, threshold }) => {
    const index = tested.findIndex((one) => one.column === column)
    const psi = index < 0 ? 0 : tests.psi
    const practical = Math.max(effect, threshold)
    const critical = Number.isFinite(tests.critical) ? Math.max(practical, tests.critical) : practical
    return { column, psi, critical, drifted: index >= 0 && psi >= practical && significant[index] === true, tests }
  })
}

/** The window that contains `at`; windows follow each other without gaps from an anchor. */
export function windowAround(at: number, anchor: number, length: number): { from: number; to: number } {
  const from = anchor + Math.floor((at - anchor) / length) * length
  return { from, to: from + length }
}

const significantErrors = 3

/** Whether a bias is beyond its threshold and beyond chance; `error` is its standard error. */
export function biasAlarms({ bias, error, threshold }: { bias: number; error: number; threshold: number }): boolean {
  return Math.abs(bias) > threshold && Math.abs(bias) > significantErrors * error
}

export type AlertRule = { signal: Signal; severity: 'page' | 'digest' | 'off'; of: number; windows: number }

/** Most important first. What harms callers or is proved by labels pages at once; the rest has to last. */
export const defaultRules: readonly AlertRule[] = [
  { signal: 'bias', severity: 'page', of: 1, windows: 1 },
  { signal: 'quality', severity: 'page', of: 1, windows: 1 },
  { signal: 'parity', severity: 'page', of: 1, windows: 1 },
  { signal: 'missing', severity: 'page', of: 1, windows: 1 },
  { signal: 'errors', severity: 'page', of: 1, windows: 1 },
  { signal: 'latency', severity: 'page', of: 1, windows: 1 },
  { signal: 'cost', severity: 'page', of: 1, windows: 1 },
  { signal: 'estimate', severity: 'page', of: 2, windows: 3 },
  { signal: 'drift', severity: 'digest', of: 2, windows: 3 },
  { signal: 'data', severity: 'digest', of: 1, windows: 1 },
  { signal: 'operation', severity: 'page', of: 1, windows: 1 },
  { signal: 'external', severity: 'page', of: 1, windows: 1 },
]

export function rulesOf(declared: readonly Partial<AlertRule>[] = []): AlertRule[] {
  return defaultRules.map((rule) => ({ ...rule, ...declared.find(({ signal }) => signal === rule.signal) }))
}

/**
 * Whether an alert fires, from which windows detected its signal, newest first. It begins to fire when `of` of the last
 * `windows` detected it, the newest included, and stops after as many windows in a row without it as it needed to fire.
 */
export function fires(history: readonly boolean[], { of, windows }: AlertRule, firing: boolean): boolean {
  if (firing) return history.slice(0, Math.max(1, of)).some(Boolean)
  return history[0] === true && history.slice(0, windows).filter(Boolean).length >= of
}

const minVerdicts = 3
const minPrecision = 0.5

/** Whether a rule goes to the digest because its alerts were mostly noise; it pages again once they are real. */
export function isDemoted({ severity }: AlertRule, { real, noise }: { real: number; noise: number }): boolean {
  return severity === 'page' && real + noise >= minVerdicts && real / (real + noise) < minPrecision
}

/** The constant that answers before the first release: nothing of it is judged. What is made elsewhere has no version either. */
export function isBuiltIn(model: string, { release, version }: { release: string; version: number }): boolean {
  return version === 0 && release === `${model}.r0`
}
