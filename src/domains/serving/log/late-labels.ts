import type { Context } from '../../../core/context.ts'
import { hour } from '../../../core/duration.ts'
import { isoOf } from '../../../core/tables/tables.ts'
import { enqueue } from '../jobs.ts'
import * as store from '../store.ts'
import { unwritten } from './prediction-log.ts'
import { atBetween, readSegmentColumn } from './segments.ts'

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

type Span = { from: string; to: string }

const page = 5_000

/**
 * The hours in [predicted.from, predicted.to) that hold a prediction whose label became known in [known.from, known.to).
 * Predictions since are looked through first: most labels are theirs, and then nothing older is read.
 */
export async function labelledHours(
  ctx: Context,
  { endpoint, known, predicted }: { endpoint: string; known: Span; predicted: Span },
): Promise<string[]> {
  const hours = new Set<string>()
  let after = { known_at: known.from, prediction: '' }
  for (;;) {
    const labels = await store.labelsBetween(ctx, endpoint, { after, to: known.to, limit: page })
    const last = labels.at(-1)
    if (!last) return [...hours].sort()
    after = last
    const wanted = new Set(labels.map(({ prediction }) => prediction))
    for (const { id, at } of unwritten(ctx, { endpoint })) {
      // What could not be written for long may be of a window that closed since.
      if (wanted.delete(id) && at >= predicted.from && at < predicted.to) hours.add(`${at.slice(0, 13)}:00:00.000Z`)
    }
    for (const id of await find(ctx, endpoint, { from: predicted.to, to: undefined }, 'id', wanted)) wanted.delete(id)
    for (const hour of await find(ctx, endpoint, predicted, 'hour', wanted)) hours.add(hour)
  }
}

const selections = { id: 'id', hour: `substr("at", 1, 13) || ':00:00.000Z'` } as const

async function find(
  ctx: Context,
  endpoint: string,
  { from, to }: { from: string; to: string | undefined },
  what: keyof typeof selections,
  wanted: ReadonlySet<string>,
): Promise<string[]> {
  if (wanted.size === 0) return []
  const segments = await store.segmentsBetween(ctx, endpoint, from, to)
  const { where, values } = atBetween(from, to)
  const ids = `$${values.length + 1}`
  return readSegmentColumn(ctx, segments, {
    column: selections[what],
    where: `${where} and arm <> 'shadow' and id in (select unnest(from_json(${ids}, '["varchar"]')))`,
    values: [...values, JSON.stringify([...wanted])],
  })
}
