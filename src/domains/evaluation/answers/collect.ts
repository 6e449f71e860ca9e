import { atOnce } from '../../../core/concurrency.ts'
import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type * as registry from '../../registry/registry.ts'
import { faultOfBaseline } from './fault.ts'
import { measureLatency } from './latency.ts'
import type { Answerer, Side } from './side.ts'
import { baselineAnswersOf, candidateAnswersOf, isFaultOfModel } from './usable.ts'
import type { Measurements, Usage } from './usage.ts'

/** What is to be said of each answer, by repeat and item. */
export type AnswerMarks = { candidate: registry.AnswerMark[][][]; baseline: registry.AnswerMark[][][] }

export type CollectedAnswers = {
  candidate: Value[][]
  baseline: Value[][]
  /** Absent where nothing is to be said. */
  marks?: AnswerMarks
  measured: Measurements | undefined
}

type Sides = {
  candidate: Side & Answerer
  baseline: Side & Answerer
  /** The baseline's name for people. */
  against: string
  /** Of the golden items. */
  ids: readonly string[]
  repeats: number
  timed: boolean
}

/** The answers of both sides to every item, `repeats` times each. */
export async function collectAnswers(ctx: Context, sides: Sides): Promise<CollectedAnswers> {
  const { candidate, baseline, against, ids, repeats, timed } = sides
  if (candidate.ask || baseline.ask) return collectRemoteAnswers(ctx, sides)
  const repeated = async (answer: () => Promise<Value[]>) => {
    const all: Value[][] = []
    for (let repeat = 0; repeat < repeats; repeat++) all.push(await answer())
    return all
  }
  const { name, inputs } = baseline
  const collected = {
    candidate: await repeated(() => candidateAnswersOf(candidate.name, candidate, { inputs: candidate.inputs, ids })),
    baseline: await repeated(() => baselineAnswersOf(name, baseline, inputs)).catch((error: unknown) => {
      throw faultOfBaseline(error, baseline, against)
    }),
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
async function collectRemoteAnswers(
  ctx: Context,
  { candidate, baseline, against, repeats }: Sides,
): Promise<CollectedAnswers> {
  const n = candidate.inputs.length
  const slots = () => Array.from({ length: repeats }, () => new Array<Value>(n).fill(null))
  const collected = { candidate: slots(), baseline: slots() }
  const unmarked = () =>
    Array.from({ length: repeats }, () => Array.from({ length: n }, (): registry.AnswerMark[] => []))
  const marks: AnswerMarks = { candidate: unmarked(), baseline: unmarked() }
  const measured: Measurements = {
    latencies: { candidate: new Array(n).fill(0), baseline: new Array(n).fill(0) },
    usage: { candidate: [], baseline: [] },
  }
  const one = async (which: 'candidate' | 'baseline', index: number, repeat: number) => {
    const side = which === 'candidate' ? candidate : baseline
    const {
      answer,
      marks: said,
      elapsed,
      usage,
    } = await timedAnswer(ctx, side, side.inputs[index] ?? {}).catch((error: unknown) => {
      if (which === 'candidate') throw error
      if (isFaultOfModel(error)) return noAnswer
      throw faultOfBaseline(error, baseline, against)
    })
    const answers = collected[which][repeat]
    if (answers) answers[index] = answer
    const places = marks[which][repeat]
    if (places) places[index] = said
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
  const marked = [marks.candidate, marks.baseline].some((side) => side.flat(2).length > 0)
  return {
    ...collected,
    ...(marked ? { marks } : {}),
    measured: measuredAt(measured, answeredItems(collected.baseline, n)),
  }
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

const noAnswer = { answer: null, marks: [], elapsed: 0, usage: { cpuMs: 0 } }

async function timedAnswer(ctx: Context, side: Side & Answerer, row: Row) {
  const start = ctx.clock.elapsed()
  try {
    const { answer, marks, usage } = side.ask
      ? await side.ask(row)
      : { answer: (await side.predict([row]))[0] ?? null, marks: [], usage: { cpuMs: 0 } }
    return { answer, marks, usage, elapsed: ctx.clock.elapsed() - start }
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
