import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { hanleyMcNeil } from '../../core/stats/domain-classifier.ts'
import { auc } from '../../core/stats/metrics.ts'
import { addToSketch, createSketch } from '../../core/stats/sketch.ts'
import * as features from '../features/features.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import type { monitoring } from './contract.ts'
import { driftOf } from './describe.ts'
import { referenceOf, residualColumn, scoreColumn } from './reference.ts'
import { settingsOf } from './settings.ts'

type Operations = typeof monitoring
type Skew = Output<Operations['skew']>

const lookBack = 28 * 86_400_000
/** Rows of the log that are gone through for it, about. */
const mostRead = 1_000_000
const shortest = 3_600_000
const servedSample = 5_000
const trainingSample = 5_000
/** One input that orders the labels this well alone rarely is knowledge: it mostly is the label in disguise. */
const leakFrom = 0.95

/** Before promotion: would this version be served what it was trained on? And does one of its inputs know the answer? */
export async function skew(ctx: Context, { model, version }: Input<Operations['skew']>): Promise<Skew> {
  const settings = settingsOf(await registry.requireSpec(ctx, model))
  const reference = await referenceOf(ctx, model, version, settings)
  if (!reference) return { served: 0, columns: [], leaks: [] }
  const rows = await servedRows(ctx, model)
  const sketches = new Map(
    reference.columns
      .filter(
        ({ column }) =>
          column !== scoreColumn && column !== residualColumn && rows.some(({ inputs }) => column in inputs),
      )
      .map(({ column, sketch }) => {
        const served = createSketch(sketch.reference)
        for (const { inputs } of rows) if (column in inputs) addToSketch(served, inputs[column])
        return [column, served] as const
      }),
  )
  const columns = driftOf(reference, sketches, settings).map(({ column, psi, critical, drifted }) => ({
    column,
    psi,
    critical,
    skewed: drifted && rows.length >= settings.fewest,
  }))
  return {
    served: rows.length,
    columns,
    leaks: await leaksOf(
      ctx,
      reference.trainingSet,
      [...reference.columns].map(({ column }) => column),
    ),
  }
}

/** A sample of what was served lately; where much was, of a shorter time. */
async function servedRows(ctx: Context, endpoint: string) {
  const now = ctx.now().getTime()
  const to = new Date(now + 1).toISOString()
  for (let span = lookBack; ; span /= 2) {
    const period = { endpoint, from: new Date(now - span).toISOString(), to }
    const count = await serving.countLogged(ctx, period)
    if (count > mostRead && span > shortest) continue
    const log = await serving.readLog(ctx, { ...period, sample: Math.min(1, servedSample / Math.max(1, count)) })
    return log.filter(({ arm }) => arm !== 'shadow')
  }
}

async function leaksOf(ctx: Context, trainingSet: string, columns: string[]): Promise<Skew['leaks']> {
  const { label } = await features.getTrainingSet(ctx, { trainingSet })
  if (label === null) return []
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
    return [{ column, auc: value, suspicious: strength > leakFrom }]
  })
}
