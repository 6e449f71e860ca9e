import type { Context } from '../../core/context.ts'
import * as features from '../features/features.ts'
import * as registry from '../registry/registry.ts'
import { type Bins, biasAlarms, driftOf, makeBins, type Reference, type Value, windowAround } from './rules.ts'
import type { Settings } from './settings.ts'
import * as store from './store.ts'

export const scoreColumn = 'score'

type Row = Record<string, Value>

/**
 * What a version looked like in training: bins of its inputs and its score, and thresholds calibrated on the whole
 * windows inside its own training period. Made once per version, then kept.
 */
export async function referenceOf(
  ctx: Context,
  model: string,
  version: number,
  settings: Settings,
): Promise<Reference | undefined> {
  if (version === 0) return undefined
  const known = await store.findReference(ctx, model, version)
  if (known) return JSON.parse(known.content) as Reference
  const { trainingSet, signature } = await registry.getVersion(ctx, { model, version })
  if (trainingSet === null) return undefined
  const set = await features.getTrainingSet(ctx, { trainingSet })
  const rows = (await features.trainingRows(ctx, trainingSet)) as Row[]
  const scores = await scoresOf(ctx, model, version, rows)
  const columns = (signature?.inputs ?? []).map(({ name }) => name)
  const valuesOf = (column: string, some: number[]) =>
    some.map((index) => (column === scoreColumn ? (scores[index] ?? null) : (rows[index]?.[column] ?? null)))
  const everything = rows.map((_, index) => index)
  const windows = wholeWindows(rows, settings, set.from, set.to)
  const bins = [...columns, scoreColumn].map((column): Bins => {
    const made = makeBins(column, valuesOf(column, everything))
    const strayed = windows.map(({ indexes }) => driftOf(made, valuesOf(column, indexes), 0).psi)
    return { ...made, threshold: Math.max(0, ...strayed) }
  })
  const reference: Reference = {
    trainingSet,
    rows: rows.length,
    bins,
    bias: largestBias(rows, scores, windows, set.label, settings),
  }
  await store.insertReference(ctx, { model, version, content: JSON.stringify(reference) })
  return reference
}

async function scoresOf(ctx: Context, model: string, version: number, rows: Row[]): Promise<number[]> {
  const runtime = await registry.openRuntime(ctx, { model, version })
  try {
    return (await runtime.predict(rows)).map(Number)
  } finally {
    await runtime.close()
  }
}

type TrainingWindow = { from: string; indexes: number[] }

function wholeWindows(rows: Row[], { anchor, length, fewest }: Settings, from: string, to: string): TrainingWindow[] {
  const windows = new Map<number, number[]>()
  for (const [index, row] of rows.entries()) {
    const window = windowAround(Date.parse(String(row['time'])), anchor, length)
    if (window.from < Date.parse(from) || window.to > Date.parse(to)) continue
    windows.set(window.from, [...(windows.get(window.from) ?? []), index])
  }
  return [...windows]
    .filter(([, indexes]) => indexes.length >= fewest)
    .map(([start, indexes]) => ({ from: new Date(start).toISOString(), indexes }))
}

function largestBias(
  rows: Row[],
  scores: number[],
  windows: TrainingWindow[],
  label: string | null,
  settings: Settings,
): Reference['bias'] {
  let largest = { threshold: settings.bias, window: '' }
  if (label === null) return largest
  for (const { from, indexes } of windows) {
    const { bias } = biasAlarms(
      indexes.map((index) => scores[index] ?? Number.NaN),
      indexes.map((index) => Number(rows[index]?.[label])),
      0,
    )
    if (Math.abs(bias) > largest.threshold) largest = { threshold: Math.abs(bias), window: from }
  }
  return largest
}
