import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import { mean } from '../../../core/stats/summary.ts'
import * as features from '../../features/features.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import { type Definition, type Item, readGolden } from '../golden/golden.ts'
import { labelsOf } from './usable.ts'

/** What a model that knows nothing would answer, and where that comes from in words. */
type Constant = { value: number | string; because: string }
type Version = { model: string; trainingSet: string | null }
type Golden = { definition: Definition; items: readonly Item[]; spec: ModelSpec }

/**
 * The answer of the built-in baseline: what was stored at the first release; else an empty text, the same score for all items of a
 * list, the mean of the training labels, the default of the spec, or the mean (the commonest) of the golden labels. Null without any.
 */
export async function constantOf(
  ctx: Context,
  version: Version,
  { spec, definition, items }: Golden,
): Promise<Constant | null> {
  const { output, default: given } = spec.serves
  const stored = await registry.getBaseline(ctx, version.model)
  if (stored !== null) return { value: stored, because: 'as at the first release' }
  if (output === 'text') return { value: given ?? '', because: given === undefined ? 'nothing' : 'as the spec says' }
  if (output === 'ranking') return { value: 0, because: 'all items of a list alike' }
  const trained = output === 'multiclass' ? null : await trainedMean(ctx, version)
  if (trained !== null) return { value: trained, because: 'the mean of the training labels' }
  if (given !== undefined) return { value: given, because: 'as the spec says' }
  if (items.length === 0) return null
  const labels = labelsOf(definition, items, output)
  if (output === 'multiclass') return { value: commonest(labels), because: 'the commonest of the golden labels' }
  return { value: mean(labels.map(Number)), because: 'the mean of the golden labels' }
}

/** The same for the newest golden set of the spec; null also where there is none yet. */
export async function constantBaseline(
  ctx: Context,
  { spec, version }: { spec: ModelSpec; version: Version },
): Promise<Constant | null> {
  const golden = await newestGolden(ctx, spec)
  return constantOf(ctx, version, { spec, ...golden })
}

async function newestGolden(ctx: Context, { golden }: ModelSpec): Promise<Omit<Golden, 'spec'>> {
  try {
    const { set, items } = await readGolden(ctx, { golden })
    return { definition: set.definition, items }
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found')
      return { definition: { golden, file: '', id: '', label: '' }, items: [] }
    throw error
  }
}

async function trainedMean(ctx: Context, { trainingSet }: Version): Promise<number | null> {
  return trainingSet === null ? null : features.labelMean(ctx, trainingSet)
}

function commonest(values: readonly (number | string)[]): string {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  return [...counts].sort(([a, first], [b, second]) => second - first || (a < b ? -1 : 1))[0]?.[0] ?? ''
}
