import type { Context } from '../../core/context.ts'
import { AppError } from '../../core/errors.ts'
import type { Row, Value } from '../../core/onnx.ts'
import * as features from '../features/features.ts'
import { count } from './counters.ts'
import { record } from './log.ts'
import type { Arm, Bad, Logged } from './log-record.ts'
import type { Loaded } from './routing.ts'
import * as rules from './rules.ts'

export type Target = { release: string; version: number }
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

type Asked = { chosen: Loaded; target: Target; arm: Arm; fallback?: boolean }
/** `error` is why there is no valid output. */
type Outcome = { output: Value; error: AppError | undefined }

/** Asks one version, within the caller's deadline and the version's own; logs and counts what came of it. */
export async function answer(call: Call, { chosen, target, arm, fallback = false }: Asked): Promise<Outcome> {
  const { ctx, endpoint, id, unit, at } = call
  const started = ctx.clock.elapsed()
  let row: Row = {}
  let knownAt: Logged['knownAt'] = null
  let output: Value = null
  let bad: Bad | null = null
  let error: AppError | undefined
  try {
    const found = inputsOf(call, chosen)
    row = found.values
    knownAt = found.knownAt
    output = await ask(ctx, chosen, row, arm === 'shadow')
    if (!rules.isValid(output, chosen.output)) {
      bad = 'invalid'
      error = new AppError('upstream_failed', `"${target.release}" gave no valid answer.`, { name: target.release })
    }
  } catch (thrown) {
    error = toGatewayError(thrown, target.release)
    if (error.code === 'too_many_requests') throw error
    bad = 'error'
    ctx.log.warn({ err: thrown, endpoint, release: target.release }, 'a model failed to answer')
  }
  const latencyMs = ctx.clock.elapsed() - started
  if (bad === null && latencyMs > chosen.slowAfterMs) bad = 'slow'
  const { release, version } = target
  const logged = {
    id,
    endpoint,
    at: at.toISOString(),
    unit,
    release,
    version,
    arm,
    inputs: row,
    output,
    bad,
    latencyMs,
  }
  const more = { fallback, traceId: ctx.traceId ?? null, knownAt, cost: null, tokens: null }
  record(ctx, { ...logged, ...more }, { rules: chosen.log, rollout: call.rollout })
  count(ctx, release, bad, fallback)
  return { output, error }
}

type Inputs = { values: Row; knownAt: Logged['knownAt'] }

function inputsOf({ ctx, inputs, at }: Call, { service }: Loaded): Inputs {
  if (service === undefined) return { values: plain(inputs), knownAt: null }
  return features.lookupOnline(ctx, { service, request: inputs, at })
}

function ask(ctx: Context, { lane, predict, timeoutMs }: Loaded, row: Row, shadow: boolean): Promise<Value> {
  const now = ctx.clock.elapsed()
  // A shadow's answer is awaited by nobody: the caller's deadline is not its own.
  const ends = Math.min(shadow ? Number.POSITIVE_INFINITY : (ctx.deadline ?? Number.POSITIVE_INFINITY), now + timeoutMs)
  return lane.run(ends, () =>
    within(predict(row, { milliseconds: ends - ctx.clock.elapsed(), shadow }), ends - ctx.clock.elapsed()),
  )
}

/** The call itself may go on where nothing can end it, as in the middle of a model's computation. */
function within(work: Promise<Value>, milliseconds: number): Promise<Value> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new AppError('deadline_exceeded', 'The model did not answer in time.'))
    const timer = setTimeout(late, milliseconds)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** What a caller may hear: that it was late or that there is no room, else that the release failed. */
function toGatewayError(thrown: unknown, release: string): AppError {
  if (thrown instanceof AppError && ['too_many_requests', 'deadline_exceeded', 'not_ready'].includes(thrown.code))
    return thrown
  return new AppError('upstream_failed', `"${release}" could not answer.`, { name: release, cause: thrown })
}

function plain(inputs: Record<string, unknown>): Row {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      typeof value === 'number' || typeof value === 'string' ? value : null,
    ]),
  )
}
