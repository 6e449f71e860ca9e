import { atOnce } from '../../../core/concurrency.ts'
import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import { measureLatency } from './latency.ts'
import type { Answerer, Side } from './side.ts'
import { answersOf, baselineAnswersOf, isFaultOfModel } from './usable.ts'
import type { Measurements, Usage } from './usage.ts'

export type CollectedAnswers = { candidate: Value[][]; baseline: Value[][]; measured: Measurements | undefined }

type Sides = { candidate: Side & Answerer; baseline: Side & Answerer; repeats: number; timed: boolean }

/** The answers of both sides to every item, `repeats` times each. */
export async function collectAnswers(ctx: Context, sides: Sides): Promise<CollectedAnswers> {
  const { candidate, baseline, repeats, timed } = sides
  if (candidate.ask || baseline.ask) return collectRemoteAnswers(ctx, sides)
  const answers = async (side: Side & Answerer, answer: typeof answersOf) => {
    const all: Value[][] = []
    for (let repeat = 0; repeat < repeats; repeat++) all.push(await answer(side.name, side, side.inputs))
    return all
  }
  const collected = {
    candidate: await answers(candidate, answersOf),
    baseline: await answers(baseline, baselineAnswersOf),
  }
  const answered = answeredItems(collected.baseline, candidate.inputs.length)
  return {
    ...collected,
    measured: timed ? await measureLatency(ctx, { candidate, baseline, items: answered }) : undefined,
  }
}

const callsAtOnce = 4

/**
 * A remote model is slow and costs money, so latency is measured on the answers themselves instead of with calls of its own.
 * Which side goes first alternates, so that whatever slows one side slows both.
 */
async function collectRemoteAnswers(ctx: Context, { candidate, baseline, repeats }: Sides): Promise<CollectedAnswers> {
  const n = candidate.inputs.length
  const slots = () => Array.from({ length: repeats }, () => new Array<Value>(n).fill(null))
  const collected = { candidate: slots(), baseline: slots() }
  const measured: Measurements = {
    latencies: { candidate: new Array(n).fill(0), baseline: new Array(n).fill(0) },
    usage: { candidate: [], baseline: [] },
  }
  const one = async (which: 'candidate' | 'baseline', index: number, repeat: number) => {
    const side = which === 'candidate' ? candidate : baseline
    const { answer, elapsed, usage } = await timedAnswer(ctx, side, side.inputs[index] ?? {}).catch(
      (error: unknown) => {
        if (which === 'baseline' && isFaultOfModel(error)) return { answer: null, elapsed: 0, usage: { cpuMs: 0 } }
        throw error
      },
    )
    const answers = collected[which][repeat]
    if (answers) answers[index] = answer
    const times = measured.latencies[which]
    times[index] = (times[index] ?? 0) + elapsed / repeats
    measured.usage[which][index] = meanUsage(measured.usage[which][index], usage, repeats)
  }
  await atOnce(callsAtOnce, n, async (index) => {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const order =
        (index + repeat) % 2 === 0 ? (['candidate', 'baseline'] as const) : (['baseline', 'candidate'] as const)
      for (const which of order) await one(which, index, repeat)
    }
  })
  return { ...collected, measured: measuredAt(measured, answeredItems(collected.baseline, n)) }
}

/** Items that the baseline answered every time: only there do times and costs of both sides compare. */
function answeredItems(baseline: readonly Value[][], n: number): number[] {
  return Array.from({ length: n }, (_, index) => index).filter((index) => baseline.every((all) => all[index] !== null))
}

function measuredAt({ latencies, usage }: Measurements, items: readonly number[]): Measurements {
  const at = <T>(values: readonly T[]) => items.flatMap((index) => values[index] ?? [])
  return {
    latencies: { candidate: at(latencies.candidate), baseline: at(latencies.baseline) },
    usage: { candidate: at(usage.candidate), baseline: at(usage.baseline) },
  }
}

async function timedAnswer(ctx: Context, side: Side & Answerer, row: Row) {
  const start = ctx.clock.elapsed()
  try {
    const { answer, usage } = side.ask
      ? await side.ask(row)
      : { answer: (await side.predict([row]))[0] ?? null, usage: { cpuMs: 0 } }
    return { answer, usage, elapsed: ctx.clock.elapsed() - start }
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('upstream_failed', `${side.name} failed on the golden items: ${message}`, {
      name: side.name,
      cause,
    })
  }
}

/** Adds one repeat's share to the mean usage of an item. */
function meanUsage(sum: Usage | undefined, usage: Usage, repeats: number): Usage {
  if ('cpuMs' in usage) return { cpuMs: (sum && 'cpuMs' in sum ? sum.cpuMs : 0) + usage.cpuMs / repeats }
  const before = sum && 'model' in sum ? sum : { inputTokens: 0, outputTokens: 0 }
  return {
    model: usage.model,
    inputTokens: before.inputTokens + usage.inputTokens / repeats,
    outputTokens: before.outputTokens + usage.outputTokens / repeats,
  }
}
