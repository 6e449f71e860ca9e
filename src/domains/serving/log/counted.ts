import type { Context } from '../../../core/context.ts'
import type { SegmentsTable } from '../schema.ts'
import * as store from '../store.ts'
import { type Minute, minuteLength, minuteOf } from './minute.ts'
import { readSegmentColumn } from './segments.ts'

/** Of one look: more are left for the next. */
const mostSegments = 500
const mostRows = 5_000_000

type Uncounted = {
  /** When predictions were made, as the minutes that they lie in. */
  minutes: Minute[]
  /** The segments that hold them, and more that hold none. */
  segments: string[]
}

/** Predictions made before a time that were written after their time had been summed up: of the oldest segments, not of all. */
export async function uncounted(
  ctx: Context,
  { endpoint, before }: { endpoint: string; before: string },
): Promise<Uncounted> {
  const segments = firstOf(await store.uncountedSegments(ctx, endpoint, before, mostSegments))
  const minutes = new Set<string>()
  for (const [since, some] of Map.groupBy(segments, ({ counted_until }) => counted_until)) {
    const where = `"at" >= $1 and "at" < $2 and arm <> 'shadow'`
    const read = { column: `substr("at", 1, ${minuteLength})`, where, values: [since, before] }
    for (const found of await readSegmentColumn(ctx, some, read)) minutes.add(found)
  }
  return { minutes: [...minutes].sort().map(minuteOf), segments: segments.map(({ id }) => id) }
}

export async function hasUncounted(
  ctx: Context,
  { endpoint, before }: { endpoint: string; before: string },
): Promise<boolean> {
  return (await store.uncountedSegments(ctx, endpoint, before, 1)).length > 0
}

/** Segments that hold rows of [from, to), whether or not these were counted. */
export async function segmentsOf(
  ctx: Context,
  { endpoint, from, to }: { endpoint: string; from: string; to: string },
): Promise<string[]> {
  return (await store.segmentsBetween(ctx, endpoint, from, to)).map(({ id }) => id)
}

/**
 * Says that what these segments hold up to `until` is summed up: all of it, or from `from` on, and then only of those of which
 * everything earlier was. Segments that were named before the log was read may have been merged since: those are counted again.
 */
export async function markCounted(
  ctx: Context,
  given: { segments: readonly string[]; from?: string; until: string },
): Promise<void> {
  const { segments: ids, ...span } = given
  await store.saveCounted(ctx, { ids, ...span })
}

function firstOf(segments: readonly SegmentsTable[]): SegmentsTable[] {
  let rows = 0
  return segments.filter(({ row_count }, index) => {
    rows += Number(row_count)
    return index === 0 || rows <= mostRows
  })
}
