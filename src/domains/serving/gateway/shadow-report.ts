import type { Context } from '../../../core/context.ts'
import type { Estimate, Input, Output } from '../../../core/contract.ts'
import { quantileInterval, wilsonInterval } from '../../../core/stats/intervals.ts'
import { mean } from '../../../core/stats/summary.ts'
import { kinds } from '../../evaluation/evaluation.ts'
import * as registry from '../../registry/registry.ts'
import type { serving } from '../contract.ts'
import { type LoggedPrediction, readLog } from '../log/log.ts'
import { requireRouting } from '../routing/routing.ts'
import type { OutputKind } from '../rules.ts'
import { droppedShadows } from './shadow.ts'

type Operations = typeof serving
type Report = Output<Operations['shadow']>
type Pair = { caller: LoggedPrediction; shadow: LoggedPrediction }

const maxExamples = 10
/** Two numbers that differ by less than this are the same answer. */
const tolerance = 1e-6
const decision = 0.5

/**
 * What a shadow answered against what the callers of the same requests got: how often they disagree (with Wilson's interval),
 * by how much, and what both took.
 */
export async function shadow(ctx: Context, input: Input<Operations['shadow']>): Promise<Report> {
  const { endpoint } = input
  const routing = requireRouting(ctx, endpoint)
  const { spec } = await registry.getModel(ctx, { model: endpoint })
  const rows = await readLog(ctx, { endpoint, from: input.from ?? '', to: input.to, forced: true })
  const shadows = rows.filter(({ arm }) => arm === 'shadow')
  const release = input.release ?? routing.shadow?.release ?? shadows.at(-1)?.release ?? null
  const own = shadows.filter((row) => row.release === release)
  // Of an answer and its stand-in, the caller got the one that comes later.
  const callers = new Map(rows.filter(({ arm }) => arm !== 'shadow').map((row) => [row.id, row]))
  const pairs = own.flatMap((shadow): Pair[] => {
    const caller = callers.get(shadow.id)
    return caller ? [{ caller, shadow }] : []
  })
  const answered = pairs.filter(({ caller, shadow }) => isAnswer(caller) && isAnswer(shadow))
  const kind = spec?.serves.output
  const different = answered.filter((pair) => disagrees(pair, kind))
  const numbers = answered.filter(({ caller, shadow }) => isNumber(caller.output) && isNumber(shadow.output))
  const times = { from: own[0]?.at ?? null, to: own.at(-1)?.at ?? null }
  return {
    endpoint,
    release,
    ...times,
    pairs: pairs.length,
    failed: pairs.filter(({ shadow }) => !isAnswer(shadow)).length,
    dropped: droppedShadows(ctx),
    disagreement: share(different.length, answered.length),
    difference: differences(numbers),
    latency: { caller: p95(pairs.map(({ caller }) => caller)), shadow: p95(pairs.map(({ shadow }) => shadow)) },
    cost: { caller: meanCost(pairs.map(({ caller }) => caller)), shadow: meanCost(pairs.map(({ shadow }) => shadow)) },
    examples: different
      .toSorted((a, b) => Math.abs(gap(b)) - Math.abs(gap(a)))
      .slice(0, maxExamples)
      .map(({ caller, shadow }) => ({ id: caller.id, caller: caller.output, shadow: shadow.output })),
  }
}

function isAnswer({ bad }: LoggedPrediction): boolean {
  return bad !== 'error' && bad !== 'invalid'
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}

function gap({ caller, shadow }: Pair): number {
  return isNumber(caller.output) && isNumber(shadow.output) ? shadow.output - caller.output : Number.POSITIVE_INFINITY
}

/** Of probabilities the decision counts, of classes the likeliest, of other numbers their value, of words and texts each letter. */
function disagrees(pair: Pair, kind: OutputKind | undefined): boolean {
  const { caller, shadow } = pair
  if (kind === 'multiclass') return kinds[kind].shown(caller.output) !== kinds[kind].shown(shadow.output)
  if (!isNumber(caller.output) || !isNumber(shadow.output)) return caller.output !== shadow.output
  if (kind === 'binary') return caller.output >= decision !== shadow.output >= decision
  return Math.abs(gap(pair)) > tolerance * Math.max(1, Math.abs(caller.output))
}

function share(count: number, n: number): Estimate {
  return n === 0 ? { value: null, n } : { value: count / n, n, ...wilsonInterval(count, n) }
}

function differences(pairs: Pair[]): Report['difference'] {
  const gaps = pairs.map(gap)
  const n = gaps.length
  if (n === 0) return { mean: { value: null, n }, absoluteP95: { value: null, n }, largest: null }
  const sizes = gaps.map(Math.abs)
  return {
    mean: { value: mean(gaps), n },
    absoluteP95: { ...quantileInterval(sizes, 0.95), n },
    largest: sizes.reduce((most, size) => Math.max(most, size), 0),
  }
}

function p95(rows: LoggedPrediction[]): Estimate {
  const n = rows.length
  if (n === 0) return { value: null, n }
  const latencies = rows.map(({ latencyMs }) => latencyMs)
  return { ...quantileInterval(latencies, 0.95), n }
}

function meanCost(rows: LoggedPrediction[]): Estimate {
  const costs = rows.flatMap(({ cost }) => (cost === null ? [] : [cost]))
  return { value: costs.length === 0 ? null : mean(costs), n: costs.length }
}
