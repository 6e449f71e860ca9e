import type { Calibration } from '../../core/stats/cbpe.ts'
import { benjaminiHochberg } from '../../core/stats/multiple-testing.ts'
import type { Sketch } from '../../core/stats/sketch.ts'
import type { SketchTests } from '../../core/stats/sketch-comparison.ts'
import type { Signal } from './contract.ts'

export type Value = number | string | null
export type Row = Record<string, Value>

/** One column of the reference: what training looked like, and the furthest that its own windows strayed from the whole. */
export type ProfileColumn = { column: string; sketch: Sketch; threshold: number }

/** What a version was like in training. */
export type BaselineProfile = {
  /** Names the bins, so that counts in other bins are never added to these. */
  id: string
  trainingSet: string
  rows: number
  columns: ProfileColumn[]
  bias: { threshold: number; window: string }
  calibration: Calibration | null
  /** Lowest estimated accuracy that is still like training: mean minus three deviations over its windows. */
  leastAccuracy: number | null
  sample: Row[]
}

export function countOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

export type Drift = { column: string; psi: number; critical: number; drifted: boolean; tests: SketchTests }

/** Share of columns called drifted that may be so by chance. */
const falseDiscoveryRate = 0.05

/**
 * Which columns moved? Only those whose index exceeds the marked size of effect and the furthest that training strayed
 * from itself, and that chance explains in none of these columns together (Benjamini-Hochberg).
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

/** Windows follow each other without gaps from an anchor; the one that contains `at`. */
export function windowAround(at: number, anchor: number, length: number): { from: number; to: number } {
  const from = anchor + Math.floor((at - anchor) / length) * length
  return { from, to: from + length }
}

const significantErrors = 3

/** Is predicted minus observed beyond its threshold, and beyond chance? `error` is the standard error of the mean. */
export function biasAlarms({ bias, error, threshold }: { bias: number; error: number; threshold: number }): boolean {
  return Math.abs(bias) > threshold && Math.abs(bias) > significantErrors * error
}

export type AlertRule = { signal: Signal; severity: 'page' | 'digest' | 'off'; of: number; windows: number }

/** In order of loudness. What can be seen in the labels or by the callers pages at once; the rest has to last. */
export const defaultRules: readonly AlertRule[] = [
  { signal: 'bias', severity: 'page', of: 1, windows: 1 },
  { signal: 'quality', severity: 'page', of: 1, windows: 1 },
  { signal: 'parity', severity: 'page', of: 1, windows: 1 },
  { signal: 'errors', severity: 'page', of: 1, windows: 1 },
  { signal: 'latency', severity: 'page', of: 1, windows: 1 },
  { signal: 'cost', severity: 'page', of: 1, windows: 1 },
  { signal: 'estimate', severity: 'page', of: 2, windows: 3 },
  { signal: 'drift', severity: 'digest', of: 2, windows: 3 },
  { signal: 'data', severity: 'digest', of: 1, windows: 1 },
  { signal: 'external', severity: 'page', of: 1, windows: 1 },
]

export function rulesOf(declared: readonly Partial<AlertRule>[] = []): AlertRule[] {
  return defaultRules.map((rule) => ({ ...rule, ...declared.find(({ signal }) => signal === rule.signal) }))
}

/**
 * Does it fire? `history` tells of the newest windows first whether each found it. Not firing: `of` of the last `windows`
 * did, the newest among them. Firing: until as many windows as it took to fire went by without it.
 */
export function fires(history: readonly boolean[], { of, windows }: AlertRule, firing: boolean): boolean {
  if (firing) return history.slice(0, Math.max(1, of)).some(Boolean)
  return history[0] === true && history.slice(0, windows).filter(Boolean).length >= of
}

const minVerdicts = 3
const minPrecision = 0.5

/** A rule whose alerts were mostly noise goes to the digest by itself, and comes back when they are real again. */
export function isDemoted({ severity }: AlertRule, { real, noise }: { real: number; noise: number }): boolean {
  return severity === 'page' && real + noise >= minVerdicts && real / (real + noise) < minPrecision
}
