import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import type { features } from './contract.ts'
import { serviceOf } from './definitions.ts'
import { lookupAsOf, scalar } from './join-service.ts'
import { trainingRows } from './training-set-files.ts'
import { requireTrainingSet } from './training-sets.ts'

type Operations = typeof features

const defaultSample = 2_000
const defaultTolerance = 1e-9

/** Recomputes a sample as serving would see it: as of known, whatever rule the set was made by. */
export async function parity(ctx: Context, input: Input<Operations['parity']>): Promise<Output<Operations['parity']>> {
  const { trainingSet, sample = defaultSample, tolerance = defaultTolerance } = input
  const row = await requireTrainingSet(ctx, trainingSet)
  const resolved = await serviceOf(ctx, row.service)
  const rows = await trainingRows(ctx, trainingSet, sample)
  const served = await lookupAsOf(ctx, {
    service: row.service,
    rows: rows.map((found) => ({ time: String(found['time']), request: found })),
    asOf: 'known',
  })
  const features = resolved.views.flatMap((view) => view.features)
  return { trainingSet, tolerance, features: features.map((feature) => compare(feature, rows, served, tolerance)) }
}

function compare(
  feature: string,
  rows: Record<string, unknown>[],
  served: Record<string, unknown>[],
  tolerance: number,
) {
  let differing = 0
  let total = 0
  let both = 0
  for (const [index, row] of rows.entries()) {
    const [trained, now] = [scalar(row[feature], feature), served[index]?.[feature] ?? null]
    if (typeof trained === 'number' && typeof now === 'number') {
      const difference = Math.abs(trained - now)
      total += difference
      both += 1
      if (difference > tolerance) differing += 1
    } else if (trained !== now) differing += 1
  }
  return {
    feature,
    rows: rows.length,
    differing,
    share: rows.length === 0 ? 0 : differing / rows.length,
    meanDifference: both === 0 ? 0 : total / both,
  }
}
