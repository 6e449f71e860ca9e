import type { Context } from '../../../core/context.ts'
import { hour } from '../../../core/duration.ts'
import {
  addToSketch,
  createSketch,
  mergeSketches,
  type Sketch,
  type SketchReference,
  sketchSummary,
} from '../../../core/stats/sketch.ts'
import { millisecondsOf } from '../../../core/time.ts'
import { countOf } from '../rules.ts'
import type { SketchRecord } from '../store.ts'
import * as store from '../store.ts'

/** Sketches by column; all of one scope and hour. */
export type Sketches = Map<string, Sketch>

/** Periods of `period` milliseconds, one of which begins at `start`. */
type Periods = { start: number; period: number }
const wholeHours: Periods = { start: 0, period: hour }

/** The hours of a window count from its beginning, so that none lies in two windows; a shorter one is a period of its own. */
export function periodsOf({ from, to }: { from: string; to: string }): Periods {
  const start = millisecondsOf(from)
  return { start, period: Math.min(hour, millisecondsOf(to) - start) }
}

/** A set of sketches for each hour, or shorter period, filled row by row: memory does not grow with the rows. */
export function hourlySketches(references: ReadonlyMap<string, SketchReference>, { start, period } = wholeHours) {
  const hours = new Map<string, Sketches>()
  return {
    hours,
    add(at: string, read: (column: string) => unknown) {
      const begin = new Date(start + Math.floor((millisecondsOf(at) - start) / period) * period).toISOString()
      let sketches = hours.get(begin)
      if (!sketches) {
        sketches = new Map([...references].map(([column, reference]) => [column, createSketch(reference)]))
        hours.set(begin, sketches)
      }
      for (const [column, sketch] of sketches) addToSketch(sketch, read(column))
    },
  }
}

/** Writes the hours of a scope. An existing hour is replaced, so a repeated job counts nothing twice. */
export async function saveHours(
  ctx: Context,
  { scope, reference, hours }: { scope: string; reference: string; hours: ReadonlyMap<string, Sketches> },
): Promise<void> {
  const rows = [...hours].flatMap(([hour, sketches]) =>
    [...sketches].map(([column, sketch]): SketchRecord => {
      const counts = [...sketch.counts.entries()].filter(([, count]) => count > 0)
      const content: store.PackedSketch = { counts, numbers: sketch.numbers }
      return {
        scope,
        column_name: column,
        hour,
        reference,
        value_count: countOf(sketch.counts),
        content,
      }
    }),
  )
  await store.saveSketches(ctx, rows)
}

/** The hours of a scope in [from, to), one sketch per column. Hours that were counted in other bins are left out. */
export async function mergedHours(
  ctx: Context,
  input: {
    scope: string
    reference: string
    from: string
    to: string
    references: ReadonlyMap<string, SketchReference>
  },
): Promise<Sketches> {
  const merged: Sketches = new Map([...input.references].map(([column, bins]) => [column, createSketch(bins)]))
  for (const row of await store.listSketches(ctx, input)) {
    const reference = input.references.get(row.column_name)
    const before = merged.get(row.column_name)
    if (reference && before && row.reference === input.reference)
      merged.set(row.column_name, mergeSketches(before, unpack(row, reference)))
  }
  return merged
}

function unpack(row: SketchRecord, reference: SketchReference): Sketch {
  const { counts, numbers } = row.content
  const sketch = createSketch(reference)
  for (const [bin, count] of counts) sketch.counts[bin] = count
  return { ...sketch, numbers }
}

/** The usual statistics of a stored hour. Quantiles need no bins. */
export function summaryOf(row: SketchRecord): {
  missing: number
  mean: number | null
  median: number | null
  p99: number | null
} {
  const { counts, numbers } = row.content
  const size = Math.max(1, ...counts.map(([bin]) => bin + 1))
  const reference: SketchReference = {
    kind: 'numeric',
    lowerBounds: [],
    highest: 0,
    counts: new Array<number>(size).fill(0),
  }
  const { mean, median, p99 } = sketchSummary({ reference, counts: new Array<number>(size).fill(0), numbers })
  const missing = numbers ? row.value_count - numbers.count : 0
  return { missing, mean, median, p99 }
}
