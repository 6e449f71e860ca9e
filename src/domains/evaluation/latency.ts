import type { Context } from '../../core/context.ts'
import type { Row } from '../../core/onnx.ts'
import type { Runtime } from '../registry/registry.ts'

type Side = { runtime: Runtime; inputs: readonly Row[] }

/** Milliseconds of one answer per item, features not included; both lists are paired by item. */
export type Latencies = { candidate: number[]; baseline: number[] }

const warmUp = 20
const maximumItems = 1000

/**
 * Times single answers in the order candidate, baseline, baseline, candidate for each item, so that whatever slows the
 * machine down slows both sides alike; each time is the mean of its two.
 */
export async function measureLatency(ctx: Context, candidate: Side, baseline: Side): Promise<Latencies> {
  const items = evenly(candidate.inputs.length, maximumItems)
  for (const index of items.slice(0, warmUp)) {
    await timed(ctx, candidate, index)
    await timed(ctx, baseline, index)
  }
  const latencies: Latencies = { candidate: [], baseline: [] }
  for (const index of items) {
    const first = await timed(ctx, candidate, index)
    const second = await timed(ctx, baseline, index)
    const third = await timed(ctx, baseline, index)
    const fourth = await timed(ctx, candidate, index)
    latencies.candidate.push((first + fourth) / 2)
    latencies.baseline.push((second + third) / 2)
  }
  return latencies
}

async function timed(ctx: Context, { runtime, inputs }: Side, index: number): Promise<number> {
  const row = inputs[index] ?? {}
  const start = ctx.clock.elapsed()
  await runtime.predict([row])
  return ctx.clock.elapsed() - start
}

/** At most `count` of the indexes 0 … total-1, spread evenly. */
function evenly(total: number, count: number): number[] {
  const taken = Math.min(total, count)
  return Array.from({ length: taken }, (_, index) => Math.floor((index * total) / taken))
}
