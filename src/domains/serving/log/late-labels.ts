import type { Context } from '../../../core/context.ts'
import { hour } from '../../../core/duration.ts'
import { isoOf } from '../../../core/tables/tables.ts'
import { enqueue } from '../jobs.ts'
import { hasOutcomes, minutesOfUnits, reportsBetween } from '../outcome-store.ts'
import type { SegmentsTable } from '../schema.ts'
import * as store from '../store.ts'
import { type Minute, minuteLength, minuteOf } from './minute.ts'
import { unwritten } from './prediction-log.ts'
import { readSegmentColumn } from './segments.ts'

/** Labels are looked at together, once an hour: one look goes through what was predicted since the newest window closed. */
const slotMilliseconds = hour
/** A request that began within the slot has committed by then. */
const graceMilliseconds = 30_000

/** In the transaction of the labels: whoever watches the model looks at them when their slot is over. */
export async function planLook(ctx: Context, endpoint: string): Promise<void> {
  const from = Math.floor(ctx.now().getTime() / slotMilliseconds) * slotMilliseconds
  const to = from + slotMilliseconds
  await enqueue(ctx, {
    kind: 'serving.labelled',
    payload: { model: endpoint, from: isoOf(from), to: isoOf(to) },
    key: `serving.labelled/${endpoint}/${from}`,
    runAt: new Date(to + graceMilliseconds),
  })
}

/** Labels that became known in [from, to); where a look ended, the next one goes on. */
export type LabelLook = {
  model: string
  from: string
  to: string
  /** The last label of those that were looked up, everywhere. */
  after?: { known_at: string; prediction: string } | undefined
  /** Those behind it were looked up in the segments before this one. */
  behind?: store.SegmentPlace | undefined
}

const page = 50_000
/** Read at once, and in one look. */
const rowsAtOnce = 2_000_000
const rowsOfLook = 20_000_000
const segmentsAtOnce = 200

/** Plans what a look has left for the next. */
export async function planRest(ctx: Context, rest: LabelLook): Promise<void> {
  const { model, from, after, behind } = rest
  const key = `serving.labelled/${model}/${from}/${after?.prediction ?? ''}/${behind?.id ?? ''}`
  await enqueue(ctx, { kind: 'serving.labelled', payload: rest, key })
}

/**
 * When the predictions were made whose labels or outcomes became known in a time, as minutes. Newer predictions are looked through first: most
 * labels are theirs, and then nothing older is read. It reads so many rows and no more, and `rest` is what it has not looked at.
 */
export async function labelledMinutes(
  ctx: Context,
  look: LabelLook,
  { rows = rowsOfLook } = {},
): Promise<{ minutes: Minute[]; rest: LabelLook | undefined }> {
  const minutes = new Set<string>()
  const found = (rest?: LabelLook) => ({ minutes: [...minutes].sort().map(minuteOf), rest })
  let { after, behind } = look
  // Outcomes of units say themselves when they were.
  if (!after && !behind) for (const minute of await unitMinutes(ctx, look)) minutes.add(minute)
  for (let left = rows; ; ) {
    const known = after ?? { known_at: look.from, prediction: '' }
    const labels = await reportsAfter(ctx, look, known)
    if (labels.length === 0) return found()
    const wanted = new Set(labels.map(({ prediction }) => prediction))
    // What could not be written for long may be of a window that closed since.
    for (const { id, at } of unwritten(ctx, { endpoint: look.model }))
      if (wanted.delete(id)) minutes.add(at.slice(0, minuteLength))
    while (wanted.size > 0) {
      if (left <= 0) return found({ ...look, after, behind })
      const segments = upTo(left, await store.segmentsBehind(ctx, look.model, behind, segmentsAtOnce))
      behind = placeOf(segments)
      if (!behind) break
      for (const minute of await find(ctx, segments, wanted)) minutes.add(minute)
      left -= rowsOf(segments)
    }
    after = labels.at(-1)
    behind = undefined
  }
}

/** Predictions whose labels or outcomes became known, in the order in which they did. */
async function reportsAfter(
  ctx: Context,
  { model, to }: LabelLook,
  after: NonNullable<LabelLook['after']>,
): Promise<NonNullable<LabelLook['after']>[]> {
  const between = { after, to, limit: page }
  return (await hasOutcomes(ctx, model))
    ? reportsBetween(ctx, model, between)
    : store.labelsBetween(ctx, model, between)
}

function unitMinutes(ctx: Context, { model, from, to }: LabelLook): Promise<string[]> {
  return minutesOfUnits(ctx, model, { from, to, length: minuteLength })
}

function placeOf(segments: readonly SegmentsTable[]): store.SegmentPlace | undefined {
  const last = segments.at(-1)
  return last && { from_at: last.from_at, id: last.id }
}

function rowsOf(segments: readonly SegmentsTable[]): number {
  return segments.reduce((sum, { row_count }) => sum + Number(row_count), 0)
}

/** At least one of them. */
function upTo(left: number, segments: readonly SegmentsTable[]): SegmentsTable[] {
  const most = Math.min(left, rowsAtOnce)
  return segments.filter((_, index) => index === 0 || rowsOf(segments.slice(0, index + 1)) <= most)
}

const separator = '\t'

/** Takes what it finds out of those that are wanted. */
async function find(ctx: Context, segments: SegmentsTable[], wanted: Set<string>): Promise<string[]> {
  const rows = await readSegmentColumn(ctx, segments, {
    column: `substr("at", 1, ${minuteLength}) || '${separator}' || id`,
    where: `arm <> 'shadow' and id in (select unnest(from_json($1, '["varchar"]')))`,
    values: [JSON.stringify([...wanted])],
  })
  return rows.map((row) => {
    wanted.delete(row.slice(minuteLength + separator.length))
    return row.slice(0, minuteLength)
  })
}
