import type { Context } from '../../../core/context.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type { Measurements } from './usage.ts'

type TimedSide = {
  predict(rows: Row[], took?: (milliseconds: number) => void): Promise<Value[]>
  inputs: readonly Row[]
}
type Timing = { elapsed: number; cpu: number }

const warmUp = 20
const maximumItems = 1000

/**
 * Times single answers in the order candidate, baseline, baseline, candidate for each item, so that whatever slows the
 * machine down slows both sides alike; each item's time is the mean of its two. A model in a thread of this server reports the
 * time of its computation, and that counts: waiting for a busy machine is not the model's slowness. Processor time is that of
 * the whole process. `items` are the indexes of the inputs that both sides can answer.
 */
export async function measureLatency(
  ctx: Context,
  { candidate, baseline, items: answered }: { candidate: TimedSide; baseline: TimedSide; items: readonly number[] },
): Promise<Measurements> {
  const items = evenly(answered.length, maximumItems).map((position) => answered[position] ?? 0)
  for (const index of items.slice(0, warmUp)) {
    await timeAnswer(ctx, candidate, index)
    await timeAnswer(ctx, baseline, index)
  }
  const measured: Measurements = {
    latencies: { candidate: [], baseline: [] },
    usage: { candidate: [], baseline: [] },
  }
  const keep = (side: 'candidate' | 'baseline', one: Timing, other: Timing) => {
    measured.latencies[side].push((one.elapsed + other.elapsed) / 2)
    measured.usage[side].push({ cpuMs: (one.cpu + other.cpu) / 2 })
  }
  for (const index of items) {
    const first = await timeAnswer(ctx, candidate, index)
    const second = await timeAnswer(ctx, baseline, index)
    const third = await timeAnswer(ctx, baseline, index)
    keep('candidate', first, await timeAnswer(ctx, candidate, index))
    keep('baseline', second, third)
  }
  return measured
}

async function timeAnswer(ctx: Context, { predict, inputs }: TimedSide, index: number): Promise<Timing> {
  const row = inputs[index] ?? {}
  const busy = process.cpuUsage()
  const start = ctx.clock.elapsed()
  let computed: number | undefined
  await predict([row], (milliseconds) => {
    computed = milliseconds
  })
  const elapsed = computed ?? ctx.clock.elapsed() - start
  const { user, system } = process.cpuUsage(busy)
  return { elapsed, cpu: (user + system) / 1000 }
}

/** At most `count` of the indexes 0 … total-1, spread evenly. */
function evenly(total: number, count: number): number[] {
  const taken = Math.min(total, count)
  return Array.from({ length: taken }, (_, index) => Math.floor((index * total) / taken))
}
