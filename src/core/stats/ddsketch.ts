/**
 * Quantiles in constant memory: counts in buckets whose bounds grow by a constant factor, so that every quantile is
 * within `accuracy` of the true one, relatively. Plain data: can be stored as JSON, and merged without loss.
 * Source: Masson, Rim, Lee, "DDSketch", VLDB 2019.
 */
export type DDSketch = {
  /** Largest relative error, 0 … 1. */
  accuracy: number
  /** Values so small that no relative error makes sense. */
  zeros: number
  /** Counts by bucket: bucket i holds absolute values in (g^(i-1), g^i] with g = (1 + accuracy) / (1 - accuracy). */
  positive: Record<number, number>
  negative: Record<number, number>
}

const smallest = 1e-12

export function createDDSketch(accuracy = 0.01): DDSketch {
  return { accuracy, zeros: 0, positive: {}, negative: {} }
}

function growth(accuracy: number): number {
  return (1 + accuracy) / (1 - accuracy)
}

/** Adds a finite value to the sketch itself; throws a RangeError on any other. */
export function addToDDSketch(sketch: DDSketch, value: number): void {
  if (!Number.isFinite(value)) throw new RangeError(`${value} has no place among quantiles`)
  const size = Math.abs(value)
  if (size < smallest) {
    sketch.zeros += 1
    return
  }
  const bucket = Math.ceil(Math.log(size) / Math.log(growth(sketch.accuracy)))
  const side = value > 0 ? sketch.positive : sketch.negative
  side[bucket] = (side[bucket] ?? 0) + 1
}

/** A new sketch, the same as if all values had been added to one. Throws a RangeError when the accuracies differ. */
export function mergeDDSketches(a: DDSketch, b: DDSketch): DDSketch {
  if (a.accuracy !== b.accuracy) throw new RangeError(`Accuracies ${a.accuracy} and ${b.accuracy} cannot be merged`)
  return {
    accuracy: a.accuracy,
    zeros: a.zeros + b.zeros,
    positive: mergedCounts(a.positive, b.positive),
    negative: mergedCounts(a.negative, b.negative),
  }
}

function mergedCounts(a: Record<number, number>, b: Record<number, number>): Record<number, number> {
  const merged = { ...a }
  for (const [bucket, count] of Object.entries(b)) merged[Number(bucket)] = (merged[Number(bucket)] ?? 0) + count
  return merged
}

/** The value of rank floor(p (n - 1)), counted from 0, within the sketch's relative accuracy; NaN for an empty sketch. */
export function ddSketchQuantile(sketch: DDSketch, p: number): number {
  return ddSketchQuantiles(sketch, [p])[0] ?? Number.NaN
}

/** The same of several ranks, which must rise, in one pass. */
export function ddSketchQuantiles(sketch: DDSketch, ranks: readonly number[]): number[] {
  const base = growth(sketch.accuracy)
  const middle = (bucket: number) => (2 * base ** bucket) / (base + 1)
  const byBucket = (counts: Record<number, number>) =>
    Object.entries(counts)
      .map(([bucket, count]) => ({ bucket: Number(bucket), count }))
      .sort((a, b) => a.bucket - b.bucket)
  const steps = [
    ...byBucket(sketch.negative)
      .reverse()
      .map(({ bucket, count }) => ({ value: -middle(bucket), count })),
    { value: 0, count: sketch.zeros },
    ...byBucket(sketch.positive).map(({ bucket, count }) => ({ value: middle(bucket), count })),
  ]
  const n = steps.reduce((total, { count }) => total + count, 0)
  if (n === 0) return ranks.map(() => Number.NaN)
  let [step, passed] = [0, 0]
  return ranks.map((p) => {
    const rank = Math.floor(p * (n - 1))
    for (let here = steps[step]; here; here = steps[step]) {
      if (rank < passed + here.count) return here.value
      passed += here.count
      step += 1
    }
    return Number.NaN
  })
}
