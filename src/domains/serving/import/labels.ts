import type { Context } from '../../../core/context.ts'
import { invalidInput } from '../../../core/errors.ts'
import type { Lake } from '../../../core/lake.ts'
import * as datasets from '../../datasets/datasets.ts'
import type { Label } from '../../evaluation/evaluation.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import { loadPredictions } from '../log/log.ts'
import { label } from '../predictions.ts'
import type { SegmentsTable } from '../schema.ts'
import * as labels from '../store.ts'
import { type Found, nothing } from './found.ts'
import * as store from './import-store.ts'
import { labelOf } from './label-value.ts'
import { countUnmatched, createMatches, createRows, type Match, readMatches, whichPredictions } from './match.ts'
import { type LabelSetup, labelSetup } from './setup.ts'

type Given = {
  spec: ModelSpec
  before: store.ImportRecord
  definition: datasets.Definition
  /** The names of the columns that the source has. */
  columns: readonly string[]
  lastSeq: number
}

const page = 5_000
const mostBadRows = 20

/**
 * Labels for predictions that have a new row, that are new themselves, or whose label counts from now on. Each is looked for
 * among all rows of the source, so that what was known last decides, in whatever order rows and predictions came.
 */
export async function takeLabels(ctx: Context, { spec, before, definition, columns, lastSeq }: Given): Promise<Found> {
  const setup = labelSetup(spec)
  const segments = await store.segmentsSince(ctx, spec.model, '')
  const found: Found = { ...before.content, counts: nothing(), badRows: [], cursor: lastSeq, segments: [] }
  if (!setup || lastSeq === 0) return { ...found, waiting: 0, nextAt: null }
  const known = new Set(before.content.segments)
  const isFresh = ({ id }: SegmentsTable) => !known.has(id)
  const due = before.content.nextAt !== null && before.content.nextAt <= ctx.now().toISOString()
  const ids = segments.map(({ id }) => id)
  if (before.cursor === lastSeq && !due && !segments.some(isFresh)) return { ...found, segments: ids }
  requireColumns(columns, { setup, definition })
  return datasets.withSource(ctx, { source: setup.source, uptoSeq: lastSeq }, async (lake, table) => {
    await createRows(lake, table, { setup, definition, cursor: before.cursor })
    const inputs =
      setup.join.by === 'id' ? {} : Object.fromEntries(setup.join.pairs.map(([, name], at) => [`k${at}`, name]))
    const { since, where } = await whichPredictions(lake, setup, before.content.lookedAt)
    const recent = segments.filter((segment) => isFresh(segment) || segment.to_at >= since)
    await loadPredictions(ctx, lake, { segments: recent, isFresh, inputs, where }, 'predictions')
    const moments = { now: ctx.now(), last: before.content.lookedAt }
    await createMatches(lake, { setup, definition, moments })
    const counts = await countUnmatched(lake, setup)
    const taken = await takeMatches(ctx, lake, spec)
    return { ...taken, cursor: lastSeq, segments: ids, counts: { ...taken.counts, ...counts } }
  })
}

/** Before any row is read: a source that lacks the column of ids is looked at with each of its rows. */
function requireColumns(
  columns: readonly string[],
  { setup, definition }: { setup: LabelSetup; definition: datasets.Definition },
): void {
  const { source, column, join } = setup
  const keys = join.by === 'id' ? [join.column] : join.pairs.map(([column]) => column)
  const missing = [column, ...keys].find((name) => !columns.includes(name))
  if (missing !== undefined)
    throw invalidInput(`The source "${source}" has no column "${missing}".`, {
      name: missing,
      hint: 'Say under "labels" which column holds the id of the prediction ("id"), or by which columns it is found ("by").',
    })
  if (join.by === 'key' && definition.time === undefined)
    throw invalidInput(`The source "${source}" does not say which column is its time.`, {
      name: source,
      hint: `Labels that are found by key need it: name it under "time" in sources/${source}.yaml.`,
    })
}

/** Stores what counts, page by page: a label that is there with the same value stays as it is. */
async function takeMatches(
  ctx: Context,
  lake: Lake,
  { model, serves }: ModelSpec,
): Promise<Pick<Found, 'counts' | 'badRows' | 'waiting' | 'nextAt'>> {
  const counts = nothing()
  const badRows: Found['badRows'] = []
  let [waiting, nextAt]: [number, string | null] = [0, null]
  for await (const matches of readMatches(lake, page)) {
    const usable: { id: string; value: Label }[] = []
    for (const match of matches) {
      if (match.matureAt !== null) {
        waiting += 1
        if (nextAt === null || match.matureAt < nextAt) nextAt = match.matureAt
      } else if (match.ambiguous) counts.ambiguous += 1
      else {
        const value = labelFrom(match, serves, badRows)
        if (value === undefined) counts.bad += 1
        else usable.push({ id: match.id, value })
      }
    }
    const stored = await storeLabels(ctx, model, usable)
    counts.taken += stored.taken
    counts.known += stored.known
    counts.corrected += stored.corrected
  }
  return { counts, badRows, waiting, nextAt }
}

function labelFrom(
  { id, value, seq }: Match,
  serves: ModelSpec['serves'],
  badRows: Found['badRows'],
): Label | undefined {
  const read = labelOf(id, value, serves)
  if ('label' in read) return read.label
  if (badRows.length < mostBadRows) badRows.push({ row: seq, what: read.wrong })
  return undefined
}

async function storeLabels(ctx: Context, model: string, given: { id: string; value: Label }[]) {
  if (given.length === 0) return { taken: 0, known: 0, corrected: 0 }
  const stored = await labels.labelsOf(
    ctx,
    model,
    given.map(({ id }) => id),
  )
  const before = new Map(stored.map(({ prediction, label }) => [prediction, JSON.stringify(label)]))
  const changed = given.filter(({ id, value }) => before.get(id) !== JSON.stringify(value))
  if (changed.length > 0) await label(ctx, { endpoint: model, labels: changed })
  const corrected = changed.filter(({ id }) => before.has(id)).length
  return { taken: changed.length, known: given.length - changed.length, corrected }
}
