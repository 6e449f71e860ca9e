import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { notFound } from '../../../core/errors.ts'
import { pageOf } from '../../../core/paging.ts'
import { hiddenItems } from '../comparison/comparison.ts'
import type { evaluation } from '../contract.ts'
import { readGolden, readProvenance } from '../golden/golden.ts'
import * as store from '../store.ts'
import { textOf } from '../text-of.ts'
import { requireEvaluation } from './evaluations.ts'
import type { RecordedAnswers } from './run-comparison.ts'

type Operations = typeof evaluation
type Items = Output<Operations['listItems']>
type Outputs = Output<Operations['listOutputs']>

/** Only admins see hidden items: whatever people see, they tune to. */
export async function listItems(
  ctx: Context,
  { golden, version, limit = 100, cursor }: Input<Operations['listItems']>,
): Promise<Items> {
  const { set, items } = await readGolden(ctx, { golden, version })
  const row = await store.findGolden(ctx, golden, set.version)
  if (!row) throw notFound('Golden set', golden)
  const provenance = await readProvenance(ctx, row)
  const hidden = hiddenItems(set.definition, set.version, items)
  const all = items.map((item, index) => ({
    id: textOf(item[set.definition.id]),
    item,
    hidden: hidden?.[index] === true,
    provenance: provenance[index] ?? { by: 'unknown', at: set.createdAt, from: 'unknown' },
  }))
  return pageOf(
    all.filter((one) => maySee(ctx, one.hidden)),
    limit,
    cursor,
  )
}

/** The answers of both sides to each item, read from the record of the evaluation. */
export async function listOutputs(
  ctx: Context,
  { evaluation: id, limit = 100, cursor }: Input<Operations['listOutputs']>,
): Promise<Outputs> {
  const row = await requireEvaluation(ctx, id)
  if (row.record === null) throw notFound('Record of the evaluation', id, 'Evaluate again to have one.')
  const { golden, goldenVersion } = row.body
  const { set, items } = await readGolden(ctx, { golden, version: goldenVersion })
  const recorded = JSON.parse((await ctx.blobs.readVerified(row.record)).toString('utf8')) as RecordedAnswers
  const hidden = hiddenItems(set.definition, set.version, items)
  const { id: key, label } = set.definition
  const all = items.map((item, index) => ({
    id: textOf(item[key]),
    label: item[label] ?? null,
    hidden: hidden?.[index] === true,
    candidate: answersAt(recorded, 'candidate', index),
    baseline: answersAt(recorded, 'baseline', index),
  }))
  return pageOf(
    all.filter((one) => maySee(ctx, one.hidden)),
    limit,
    cursor,
  )
}

function answersAt(recorded: RecordedAnswers, side: 'candidate' | 'baseline', index: number) {
  const scores = Object.entries(recorded.scored[side])
  return {
    answers: recorded[side].map((repeat) => repeat[index] ?? null),
    marks: recorded[side].map((_, repeat) => recorded.marks?.[side][repeat]?.[index] ?? []),
    scores: Object.fromEntries(scores.map(([name, repeats]) => [name, repeats.map((repeat) => repeat[index] ?? null)])),
  }
}

function maySee({ actor }: Context, hidden: boolean): boolean {
  return !hidden || actor.role === 'admin'
}
