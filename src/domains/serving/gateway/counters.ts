import { type Context, liveValue } from '../../../core/context.ts'
import type { AnswerMark, MarkCounts } from '../../registry/registry.ts'
import type { Bad, Tokens } from '../log/log.ts'

export type Counters = {
  requests: number
  bad: Record<Bad, number>
  marks: MarkCounts
  /** Answers that it gave for a release that could not. */
  stoodIn: number
  /** Of language models; zero elsewhere. Cost is in the price table's currency, as far as prices are known. */
  tokens: Tokens
  cost: number
  firstToken: FirstToken
}

/** How long callers of streams waited for the first piece of text: how many at most as long as each bound, and in all. */
export type FirstToken = { within: number[]; streams: number; seconds: number }

/** Seconds. */
export const firstTokenBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

type CountedAnswer = {
  bad: Bad | null
  marks: readonly AnswerMark[]
  stoodIn: boolean
  tokens: Tokens | null
  cost: number | null
  firstTokenMs: number | null
}

/** By release, since this server started. */
export const counters = (ctx: Context) => liveValue(ctx, 'serving.counters', () => new Map<string, Counters>())

export function count(ctx: Context, release: string, counted: CountedAnswer): void {
  const { bad, marks, stoodIn, tokens, cost, firstTokenMs } = counted
  const all = counters(ctx)
  const entry = all.get(release) ?? fresh()
  entry.requests += 1
  if (bad) entry.bad[bad] += 1
  for (const mark of marks) entry.marks[mark] = (entry.marks[mark] ?? 0) + 1
  if (stoodIn) entry.stoodIn += 1
  entry.tokens.input += finite(tokens?.input)
  entry.tokens.output += finite(tokens?.output)
  entry.cost += finite(cost)
  if (firstTokenMs !== null) addFirstToken(entry.firstToken, firstTokenMs / 1_000)
  all.set(release, entry)
}

function fresh(): Counters {
  return {
    requests: 0,
    bad: { error: 0, slow: 0, invalid: 0 },
    marks: {},
    stoodIn: 0,
    tokens: { input: 0, output: 0 },
    cost: 0,
    firstToken: { within: firstTokenBounds.map(() => 0), streams: 0, seconds: 0 },
  }
}

function addFirstToken(held: FirstToken, seconds: number): void {
  held.within = held.within.map((count, index) => count + Number(seconds <= (firstTokenBounds[index] ?? 0)))
  held.streams += 1
  held.seconds += seconds
}

/** Where nobody counted there is nothing to add. */
function finite(value: number | null | undefined): number {
  return Number.isFinite(value) ? Number(value) : 0
}
