import { setImmediate } from 'node:timers/promises'
import type { Context } from '../../../core/context.ts'
import { day } from '../../../core/duration.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import * as features from '../../features/features.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { ModelVersion, Side } from '../answers/answers.ts'
import type { GoldenFacts } from '../comparison/comparison.ts'
import { type Definition, type Item, instantOf } from '../golden/golden.ts'
import type { ProductionSample } from './sample.ts'

type GoldenFactsInput = {
  spec: ModelSpec
  version: ModelVersion
  definition: Definition
  items: readonly Item[]
  candidate: Side
  baseline: Side
  traffic: ProductionSample | undefined
}

/** What a golden set can be compared with: production, its own age, and what the candidate was trained on. */
export async function goldenFacts(ctx: Context, input: GoldenFactsInput): Promise<GoldenFacts> {
  const { spec, version, definition, items, candidate, baseline, traffic } = input
  const labelled = (traffic?.rows ?? []).filter((row) => row.version === baseline.version && row.label !== null)
  return {
    items: items.map((item, index) => ({ ...requestOf(item, definition), ...candidate.inputs[index] })),
    slices: definition.slices ?? spec.success.slices ?? [],
    population: traffic ? { from: traffic.from, to: traffic.to, rows: traffic.rows } : null,
    ages: agesOf(ctx, definition, items),
    overlap: await overlapOf(ctx, version, definition, items),
    training: spec.serves.output === 'binary' ? await trainingOf(ctx, version) : null,
    labelled:
      labelled.length === 0
        ? null
        : { labels: labelled.map(({ label }) => label ?? ''), outputs: labelled.map(({ output }) => output) },
  }
}

function requestOf(item: Item, { id, label, time, list, cluster }: Definition): Row {
  const left = new Set([id, label, time, list, cluster])
  return Object.fromEntries(
    Object.entries(item).flatMap(([name, value]): [string, Value][] =>
      left.has(name) || (typeof value !== 'number' && typeof value !== 'string') ? [] : [[name, value]],
    ),
  )
}

function agesOf(ctx: Context, { time }: Definition, items: readonly Item[]): number[] {
  if (time === undefined) return []
  return items.flatMap((item) => {
    const moment = instantOf(item[time])
    return moment ? [(ctx.now().getTime() - moment.getTime()) / day] : []
  })
}

const maxTrainingRows = 200_000
const rowsAtOnce = 2000

/**
 * Counts the golden items that are also training rows of the candidate: equal in all columns that both have, apart from
 * upper case and the last digits. Null where these columns do not tell rows apart, or the training rows are not known.
 */
async function overlapOf(
  ctx: Context,
  { trainingSet }: ModelVersion,
  { label, time }: Definition,
  items: readonly Item[],
): Promise<GoldenFacts['overlap']> {
  if (trainingSet === null || items.length === 0) return null
  const { rows: total } = await features.getTrainingSet(ctx, { trainingSet })
  if (total > maxTrainingRows) return null
  const rows = await features.trainingRows(ctx, trainingSet)
  const first = rows[0]
  const shared = Object.keys(items[0] ?? {}).filter((name) => name !== label && first && Object.hasOwn(first, name))
  // Training sets name the moment of the decision "time".
  const timed = time !== undefined && first !== undefined && Object.hasOwn(first, 'time')
  if (shared.length === 0) return null
  const keyOf = (row: Item, moment: unknown) =>
    JSON.stringify([timed ? normal(moment) : null, ...shared.map((name) => normal(row[name]))])
  const trained = new Set<string>()
  for (const [index, row] of rows.entries()) {
    // Lets other work of this thread, such as predictions, run in between.
    if (index % rowsAtOnce === 0) await setImmediate()
    trained.add(keyOf(row, row['time']))
  }
  if (trained.size < 0.9 * rows.length) return null
  return {
    shared: items.filter((item) => trained.has(keyOf(item, time === undefined ? undefined : item[time]))).length,
    of: items.length,
  }
}

function normal(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  const moment = instantOf(value)
  if (typeof value === 'string') return moment?.toISOString() ?? value.trim().toLowerCase()
  return typeof value === 'number' ? Number(value.toPrecision(6)) : (value ?? null)
}

const maxFitted = 5000

/** The training rows: the version's inputs with the labels. */
async function trainingOf(ctx: Context, { trainingSet, signature }: ModelVersion): Promise<GoldenFacts['training']> {
  if (trainingSet === null || signature === null) return null
  const { label } = await features.getTrainingSet(ctx, { trainingSet })
  if (label === null) return null
  const found = (await features.trainingRows(ctx, trainingSet, maxFitted)).slice(0, 2 * maxFitted)
  const known = found.filter((row) => row[label] !== null && row[label] !== undefined)
  const plain = (value: unknown): Value => (typeof value === 'number' || typeof value === 'string' ? value : null)
  const names = signature.inputs.map(({ name }) => name)
  return {
    rows: known.map((row) => Object.fromEntries(names.map((name) => [name, plain(row[name])]))),
    labels: known.map((row) => Number(row[label])),
  }
}
