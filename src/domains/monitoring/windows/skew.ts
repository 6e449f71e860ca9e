import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { day } from '../../../core/duration.ts'
import { hanleyMcNeil } from '../../../core/stats/domain-classifier.ts'
import { auc } from '../../../core/stats/metrics.ts'
import { addToSketch, createSketch } from '../../../core/stats/sketch.ts'
import * as features from '../../features/features.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import type { monitoring } from '../contract.ts'
import { settingsOf } from '../settings.ts'
import { trainedInputs } from './baseline.ts'
import { driftOf } from './summary.ts'

type Operations = typeof monitoring
type Skew = Output<Operations['skew']>

const servedPeriod = 28 * day
const servedSample = 5_000
const trainingSample = 5_000
/** One input that orders the labels this well alone rarely is knowledge: it mostly is the label in disguise. */
const leakThreshold = 0.95

/** Before promotion: would this version be served what it was trained on? And does one of its inputs know the answer? */
export async function skew(ctx: Context, { model, version }: Input<Operations['skew']>): Promise<Skew> {
  const found = await servedSkew(ctx, { model, version })
  if (!found) return { served: 0, columns: [], leaks: [] }
  return { served: found.served, columns: found.columns, leaks: await leaks(ctx, { model, version }) }
}

export type ServedSkew = {
  /** The newest served rows that were looked at. */
  served: number
  /** How many are needed to tell. */
  needed: number
  /** Inputs of the version. */
  inputs: string[]
  /** Those of them that are served now; `critical` is the difference from which on one counts. */
  columns: Skew['columns']
}

/** Training rows of a version against the rows that were served last; undefined where it has no training set. */
export async function servedSkew(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<ServedSkew | undefined> {
  const spec = await registry.requireSpec(ctx, model)
  const settings = settingsOf(spec)
  const trained = await trainedInputs(ctx, model, version, settings)
  if (!trained) return undefined
  const rows = await servedRows(ctx, model)
  const sketches = new Map(
    trained
      .filter(({ column }) => rows.some(({ inputs }) => column in inputs))
      .map(({ column, sketch }) => {
        const served = createSketch(sketch.reference)
        for (const { inputs } of rows) if (column in inputs) addToSketch(served, inputs[column])
        return [column, served] as const
      }),
  )
  const { psi: effect = settings.effect, allow = [] } = spec.success.skew ?? {}
  const columns = driftOf({ columns: trained }, sketches, { effect })
  return {
    served: rows.length,
    needed: settings.minRows,
    inputs: trained.map(({ column }) => column),
    columns: columns.map(({ column, psi, critical, drifted }) => ({
      column,
      psi,
      critical,
      skewed: drifted && rows.length >= settings.minRows && !allow.includes(column),
    })),
  }
}

/** Of the newest rows a sample, taken a day at a time, so that the memory does not grow with the log. */
async function servedRows(ctx: Context, model: string): Promise<serving.LoggedPrediction[]> {
  const rows: serving.LoggedPrediction[] = []
  const now = ctx.now().getTime() + 1
  for (let to = now; to > now - servedPeriod && rows.length < servedSample; to -= day) {
    const slice = { endpoint: model, from: new Date(to - day).toISOString(), to: new Date(to).toISOString() }
    const sample = Math.min(1, servedSample / Math.max(1, await serving.countLogged(ctx, slice)))
    const read = await serving.readLog(ctx, { ...slice, sample })
    rows.push(...read.filter(({ arm }) => arm !== 'shadow').slice(rows.length - servedSample))
  }
  return rows
}

/** How well each input of a version orders the labels of its training set alone. */
export async function leaks(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<Skew['leaks']> {
  const { trainingSet } = await registry.getVersion(ctx, { model, version })
  if (trainingSet === null) return []
  const { label } = await features.getTrainingSet(ctx, { trainingSet })
  if (label === null) return []
  const settings = settingsOf(await registry.requireSpec(ctx, model))
  const columns = ((await trainedInputs(ctx, model, version, settings)) ?? []).map(({ column }) => column)
  const rows = await features.trainingRows(ctx, trainingSet, trainingSample)
  return columns.flatMap((column): Skew['leaks'] => {
    const pairs = rows.flatMap((row) => {
      const [value, truth] = [row[column], Number(row[label])]
      return typeof value === 'number' && (truth === 0 || truth === 1) ? [{ value, truth }] : []
    })
    const area = auc(
      pairs.map(({ truth }) => truth),
      pairs.map(({ value }) => value),
    )
    if (!Number.isFinite(area)) return []
    const positives = pairs.filter(({ truth }) => truth === 1).length
    const strength = Math.max(area, 1 - area)
    const value = { value: strength, n: pairs.length, ...hanleyMcNeil(strength, positives, pairs.length - positives) }
    return [{ column, auc: value, suspicious: strength > leakThreshold }]
  })
}
