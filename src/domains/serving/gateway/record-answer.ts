import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type * as registry from '../../registry/registry.ts'
import { costOfTokens } from '../budget/budget.ts'
import { type Arm, type Bad, type LogRecord, record, type Tokens } from '../log/log.ts'
import type { LoadedVersion } from '../routing/routing.ts'
import { count } from './counters.ts'

export type Target = { release: string; version: number }

/** One request, whichever release answers it. */
export type Call = {
  ctx: Context
  endpoint: string
  id: string
  unit: string
  at: Date
  inputs: Record<string, unknown>
  /** Part of its traffic is on trial: all of it is written down. */
  rollout: boolean
}

/** Who is asked, as what, and whether in place of another. */
export type AskedRelease = { chosen: LoadedVersion; target: Target; arm: Arm; fallback?: boolean }

export type Result = {
  row: Row
  knownAt: LogRecord['knownAt']
  output: Value
  bad: Bad | null
  marks: registry.AnswerMark[]
  latencyMs: number
  tokens: Tokens | null
  /** From the question to the first piece of a stream's text. */
  firstTokenMs?: number | null
}

/** Logs and counts what came of asking; waits for nothing. A stand-in is marked as one. */
export function finish(call: Call, { chosen, target, arm, fallback = false }: AskedRelease, result: Result): void {
  const { ctx, endpoint, id, unit, at, rollout } = call
  const { release, version } = target
  const { row, knownAt, output, latencyMs, tokens, firstTokenMs = null } = result
  const marks = markedAs(result.marks, fallback)
  const bad = result.bad ?? (latencyMs > chosen.slowAfterMs ? 'slow' : null)
  const provider = chosen.runtime.chat?.provider.model
  const cost = provider === undefined ? null : costOfTokens(provider, tokens, chosen.prices)
  const who = {
    id,
    endpoint,
    at: at.toISOString(),
    unit,
    release,
    version,
    arm,
    fallback,
    traceId: ctx.traceId ?? null,
  }
  const what = { inputs: row, knownAt, output, bad, marks, latencyMs, cost, tokens, firstTokenMs }
  record(ctx, { ...who, ...what }, { rules: chosen.log, rollout })
  count(ctx, release, { bad, marks, stoodIn: fallback, tokens, cost, firstTokenMs })
}

/** Of a stand-in, that comes first. */
export function markedAs(marks: registry.AnswerMark[], standIn: boolean): registry.AnswerMark[] {
  return standIn ? ['stand_in', ...marks] : marks
}

const told = new Set([
  'too_many_requests',
  'deadline_exceeded',
  'not_ready',
  'budget_exceeded',
  'refused_by_policy',
  'invalid_input',
])

/** The codes that a caller may see: too late, queue full, budget spent. Everything else is only told as a failure of the release. */
export function toGatewayError(thrown: unknown, release: string): AppError {
  if (thrown instanceof AppError && told.has(thrown.code)) return thrown
  const hint = thrown instanceof AppError && thrown.code === 'upstream_failed' ? thrown.hint : undefined
  return new AppError('upstream_failed', `"${release}" could not answer.`, { name: release, hint, cause: thrown })
}

const refusals = new Set(['too_many_requests', 'budget_exceeded', 'refused_by_policy', 'invalid_input'])

/** The request was never made: nothing that the release did. */
export function isRefusal(error: AppError): boolean {
  return refusals.has(error.code)
}

export function endsAt({ ctx }: Call, { chosen, arm }: AskedRelease): number {
  const own = ctx.clock.elapsed() + chosen.timeoutMs
  // A shadow's answer is awaited by nobody: the caller's deadline is not its own.
  return Math.min(arm === 'shadow' ? own : (ctx.deadline ?? own), own)
}
