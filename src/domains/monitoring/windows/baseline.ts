import type { Context } from '../../../core/context.ts'
import { type Calibration, estimatePerformance, fitCalibration } from '../../../core/stats/cbpe.ts'
import { addToSketch, createReference, createSketch, type Sketch } from '../../../core/stats/sketch.ts'
import { sketchTests } from '../../../core/stats/sketch-comparison.ts'
import { mean, variance } from '../../../core/stats/summary.ts'
import { isoOf, millisecondsOf } from '../../../core/tables/tables.ts'
import * as features from '../../features/features.ts'
import * as registry from '../../registry/registry.ts'
import { type BaselineProfile, type ProfileColumn, type Row, type Value, windowAround } from '../rules.ts'
import type { Settings } from '../settings.ts'
import * as store from '../store.ts'
import { saveHours } from './sketches.ts'

export const scoreColumn = 'score'
/** Not an input: prediction minus label, sketched like a column so that windows with few labels can be merged. */
export const residualColumn = 'score - label'

const keptSample = 500
const calibrationSample = 20_000
/** Rows of a training set that are read: enough to fill every bin, in bounded memory. */
const trainingSample = 200_000

/**
 * The baseline profile of a version: bins and counts of its inputs and its score in training, and thresholds calibrated on
 * the whole windows inside its training period. Computed once for each version, then stored.
 */
export async function baselineProfile(
  ctx: Context,
  model: string,
  version: number,
  settings: Settings,
): Promise<BaselineProfile | undefined> {
  if (version === 0) return undefined
  const known = await store.findReference(ctx, model, version)
  if (known) return known.content
  const baseline = await makeProfile(ctx, model, version, settings)
  if (!baseline) return undefined
  await store.insertReference(ctx, { model, version, content: baseline })
  const sketches = new Map(baseline.columns.map(({ column, sketch }) => [column, sketch]))
  await saveHours(ctx, {
    scope: `training/${baseline.id}`,
    reference: baseline.id,
    hours: new Map([['1970-01-01T00:00:00.000Z', sketches]]),
  })
  return baseline
}

async function makeProfile(ctx: Context, model: string, version: number, settings: Settings) {
  const { trainingSet, signature } = await registry.getVersion(ctx, { model, version })
  if (trainingSet === null) return undefined
  const set = await features.getTrainingSet(ctx, { trainingSet })
  const rows = (await features.trainingRows(ctx, trainingSet, trainingSample)) as Row[]
  const scores = await scoresOf(ctx, model, version, rows)
  const labelled = set.label !== null && settings.kind.quantities
  const labels = labelled ? rows.map((row) => Number(row[set.label ?? ''])) : undefined
  const columns = (signature?.inputs ?? []).map(({ name }) => name)
  const everything = rows.map((_, index) => index)
  const windows = wholeWindows(rows, settings, set.from, set.to)
  const valueAt = (column: string, index: number): unknown => {
    if (column === scoreColumn) return settings.kind.shown(scores[index] ?? null)
    if (column === residualColumn) return difference(scores[index], labels?.[index])
    return rows[index]?.[column] ?? null
  }
  const profiled = [...columns, scoreColumn, ...(labels ? [residualColumn] : [])].map((column) =>
    profileColumn(
      column,
      everything.map((index) => valueAt(column, index)),
      windows,
      column === scoreColumn ? settings.kind.sketch : undefined,
    ),
  )
  const calibration = settings.binary ? calibrate(scores, labels) : null
  const step = Math.max(1, Math.floor(rows.length / keptSample))
  const baseline: BaselineProfile = {
    id: `${model}@${version}`,
    trainingSet,
    rows: rows.length,
    columns: profiled,
    bias: largestBias(windows, scores, labels, settings),
    calibration,
    leastAccuracy: calibration ? leastAccuracy(windows, scores, calibration) : null,
    sample: rows
      .filter((_, index) => index % step === 0)
      .map((row) => Object.fromEntries(columns.map((column) => [column, row[column] ?? null]))),
  }
  return baseline
}

/** The profile of the inputs in training, without the score: the model need not be run. */
export async function trainedInputs(
  ctx: Context,
  model: string,
  version: number,
  settings: Settings,
): Promise<ProfileColumn[] | undefined> {
  const known = await store.findReference(ctx, model, version)
  if (known) {
    const { columns } = known.content
    return columns.filter(({ column }) => column !== scoreColumn && column !== residualColumn)
  }
  const { trainingSet, signature } = await registry.getVersion(ctx, { model, version })
  if (trainingSet === null) return undefined
  const set = await features.getTrainingSet(ctx, { trainingSet })
  const rows = (await features.trainingRows(ctx, trainingSet, trainingSample)) as Row[]
  const windows = wholeWindows(rows, settings, set.from, set.to)
  return (signature?.inputs ?? []).map(({ name }) =>
    profileColumn(
      name,
      rows.map((row) => row[name] ?? null),
      windows,
    ),
  )
}

function profileColumn(
  column: string,
  values: readonly unknown[],
  windows: TrainingWindow[],
  kind: 'numeric' | 'categorical' = column === residualColumn || isNumeric(values) ? 'numeric' : 'categorical',
): ProfileColumn {
  const bins = createReference({ kind, values })
  const whole = sketchOf(bins, values)
  const distances = windows.map(({ indexes }) => {
    const part = sketchOf(
      bins,
      indexes.map((index) => values[index]),
    )
    return sketchTests(whole, part).psi
  })
  return { column, sketch: whole, threshold: Math.max(0, ...distances.filter(Number.isFinite)) }
}

function difference(score: unknown, label: number | undefined): number | null {
  return typeof score === 'number' && label !== undefined ? score - label : null
}

function isNumeric(values: readonly unknown[]): boolean {
  const known = values.filter((value) => value !== null)
  return known.length > 0 && known.every((value) => typeof value === 'number')
}

function sketchOf(bins: Sketch['reference'], values: readonly unknown[]): Sketch {
  const sketch = createSketch(bins)
  for (const value of values) addToSketch(sketch, value)
  return sketch
}

async function scoresOf(ctx: Context, model: string, version: number, rows: Row[]): Promise<Value[]> {
  const runtime = await registry.openRuntime(ctx, { model, version })
  try {
    return await runtime.predict(rows)
  } finally {
    await runtime.close()
  }
}

type TrainingWindow = { from: string; indexes: number[] }

function wholeWindows(
  rows: Row[],
  { anchor, length, minRows }: Settings,
  from: string | null,
  to: string | null,
): TrainingWindow[] {
  // Rows without a time make no windows: thresholds are then the fixed ones.
  if (from === null || to === null) return []
  const windows = new Map<number, number[]>()
  for (const [index, row] of rows.entries()) {
    const window = windowAround(millisecondsOf(String(row['time'])), anchor, length)
    if (window.from < millisecondsOf(from) || window.to > millisecondsOf(to)) continue
    const indexes = windows.get(window.from)
    if (indexes) indexes.push(index)
    else windows.set(window.from, [index])
  }
  return [...windows]
    .filter(([, indexes]) => indexes.length >= minRows)
    .map(([start, indexes]) => ({ from: isoOf(start), indexes }))
}

function largestBias(
  windows: TrainingWindow[],
  scores: readonly Value[],
  labels: readonly number[] | undefined,
  settings: Settings,
): BaselineProfile['bias'] {
  let largest = { threshold: settings.bias, window: '' }
  if (!labels) return largest
  for (const { from, indexes } of windows) {
    const bias = mean(indexes.map((index) => difference(scores[index], labels[index]) ?? Number.NaN))
    if (Math.abs(bias) > largest.threshold) largest = { threshold: Math.abs(bias), window: from }
  }
  return largest
}

function calibrate(scores: readonly Value[], labels: readonly number[] | undefined): Calibration | null {
  const step = Math.max(1, Math.floor(scores.length / calibrationSample))
  const pairs = scores.flatMap((score, index) => {
    const label = labels?.[index]
    const usable = index % step === 0 && typeof score === 'number' && (label === 0 || label === 1)
    return usable ? [{ score, label }] : []
  })
  if (pairs.length === 0) return null
  return fitCalibration({ scores: pairs.map(({ score }) => score), labels: pairs.map(({ label }) => label) })
}

function leastAccuracy(windows: TrainingWindow[], scores: readonly Value[], calibration: Calibration): number | null {
  if (windows.length < 2) return null
  const estimates = windows.map(
    ({ indexes }) =>
      estimatePerformance({ scores: indexes.map((index) => Number(scores[index])), calibration }).accuracy,
  )
  return mean(estimates) - 3 * Math.sqrt(variance(estimates))
}
