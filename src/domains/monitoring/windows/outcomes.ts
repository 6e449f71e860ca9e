import type { Static } from 'typebox'
import { studentTQuantile } from '../../../core/stats/distributions.ts'
import { clusteredMean } from '../../../core/stats/paired-difference.ts'
import { mean } from '../../../core/stats/summary.ts'
import type { LoggedOutcome, LoggedPrediction } from '../../serving/serving.ts'
import type { Window as WindowSchema } from '../contract.ts'
import { addToSample, createSample, type Sample } from './accumulator.ts'

type Window = Static<typeof WindowSchema>
type Arm = { release: string; arm: 'live' | 'canary'; answers: number; values: Map<string, Sample<Value>> }
type Value = { value: number; unit: string }

/** Outcomes of a window by release, arm and name. */
export type OutcomeTotals = Map<string, Arm>

const keptValues = 50_000

/** Adds rows that were logged one after the other, with what followed from them or for their units. */
export function addOutcomes(
  totals: OutcomeTotals,
  rows: readonly LoggedPrediction[],
  outcomes: readonly LoggedOutcome[],
): void {
  const byPrediction = new Map<string, LoggedPrediction>()
  const byUnit = new Map<string, LoggedPrediction>()
  for (const row of rows) {
    if (row.arm === 'shadow') continue
    armOf(totals, row).answers += 1
    byPrediction.set(row.id, row)
    if (!byUnit.has(row.unit)) byUnit.set(row.unit, row)
  }
  for (const { name, prediction, unit, value } of outcomes) {
    const row = prediction === null ? byUnit.get(unit ?? '') : byPrediction.get(prediction)
    if (!row) continue
    const { values } = armOf(totals, row)
    const sample = values.get(name) ?? createSample<Value>(keptValues)
    values.set(name, sample)
    addToSample(sample, { value, unit: row.unit })
  }
}

function armOf(totals: OutcomeTotals, { release, arm }: LoggedPrediction): Arm {
  const key = `${arm}/${release}`
  const known = totals.get(key)
  if (known) return known
  const fresh: Arm = { release, arm: arm === 'canary' ? 'canary' : 'live', answers: 0, values: new Map() }
  totals.set(key, fresh)
  return fresh
}

/** The mean of each outcome in each arm, with its interval over units. */
export function outcomesOf(totals: OutcomeTotals): NonNullable<Window['outcomes']> {
  return [...totals.values()].flatMap(({ release, arm, answers, values }) =>
    [...values]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { items, seen }]) => ({
        outcome: name,
        release,
        arm,
        mean: meanOverUnits(items, seen),
        units: new Set(items.map(({ unit }) => unit)).size,
        answers,
      })),
  )
}

function meanOverUnits(items: readonly Value[], n: number): NonNullable<Window['outcomes']>[number]['mean'] {
  const values = items.map(({ value }) => value)
  const { error, freedom } = clusteredMean(
    values,
    items.map(({ unit }) => unit),
  )
  const value = mean(values)
  const half = freedom > 0 ? studentTQuantile(0.975, freedom) * error : Number.NaN
  return Number.isFinite(half)
    ? { value, n, lower: value - half, upper: value + half }
    : { value, n, lower: null, upper: null }
}
