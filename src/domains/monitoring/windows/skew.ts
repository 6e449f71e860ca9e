import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { day } from '../../../core/duration.ts'
import { hanleyMcNeil } from '../../../core/stats/domain-classifier.ts'
import { auc } from '../../../core/stats/metrics.ts'
import { addToSketch, createSketch } from '../../../core/stats/sketch.ts'
import { isoOf } from '../../../core/tables/tables.ts'
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
/** An input that alone orders the labels this well is most likely the label in disguise. */
const leakThreshold = 0.95

/** Before promotion: are the served inputs like those in training, and does an input leak the label? */
export async function skew(ctx: Context, { model, version }: Input<Operations['skew']>): Promise<Skew> {
  const found = await servedSkew(ctx, { model, version })
  const nothing = { verdict: 'cannot_tell' as const, served: 0, columns: [], leaks: [] }
  if (!found) return { ...nothing, because: 'the version has no training set' }
  const { served, columns } = found
  return { ...verdictOf(found), served, columns, leaks: await leaks(ctx, { model, version }) }
}

function verdictOf({ served, needed, inputs, columns }: ServedSkew): Pick<Skew, 'verdict' | 'because'> {
  const compared = `${columns.length} of ${inputs.length} inputs were compared over ${served} rows`
  const skewed = columns.filter((column) => column.skewed).length
  if (served < needed)
    return { verdict: 'cannot_tell', because: `${served} rows were served lately, ${needed} are needed` }
  if (columns.length === 0) return { verdict: 'cannot_tell', because: compared }
  return skewed > 0
    ? { verdict: 'skewed', because: `${skewed} differ; ${compared}` }
    : { verdict: 'alike', because: compared }
}

export type ServedSkew = {
  /** Number of newest served rows that were compared. */
  served: number
  /** Number of rows needed for a verdict. */
  needed: number
  /** Inputs of the version. */
  inputs: string[]
  /** Those that are served now; `critical` is the difference from which on a column counts as skewed. */
  columns: Skew['columns']
}

/** Compares the training rows of a version with the newest served rows; undefined without a training set. */
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

/** A sample of the newest rows, read day by day so that memory does not grow with the log. */
async function servedRows(ctx: Context, model: string): Promise<serving.LoggedPrediction[]> {
  const rows: serving.LoggedPrediction[] = []
  const now = ctx.now().getTime() + 1
  for (let to = now; to > now - servedPeriod && rows.length < servedSample; to -= day) {
    const slice = { endpoint: model, from: new Date(to - day).toISOString(), to: isoOf(to) }
    const sample = Math.min(1, servedSample / Math.max(1, await serving.countLogged(ctx, slice)))
    const read = await serving.readLog(ctx, { ...slice, sample })
    rows.push(...read.filter(({ arm }) => arm !== 'shadow').slice(rows.length - servedSample))
  }
  return rows
}

/** How well each input alone orders the labels of the training set. */
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
