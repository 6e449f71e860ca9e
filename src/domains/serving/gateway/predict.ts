import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import * as registry from '../../registry/registry.ts'
import type { serving } from '../contract.ts'
import { loadedVersion, type Routing, requireRouting } from '../routing/routing.ts'
import { answer } from './answer.ts'
import { choose, standIns } from './choose.ts'
import type { AskedRelease, Call, Target } from './record-answer.ts'
import { shadow } from './shadow.ts'

type Operations = typeof serving
type Answer = Output<Operations['predict']>

/** Answers from memory: routing, features and model. What is logged or shadowed happens after the answer. */
export async function predict(
  ctx: Context,
  { endpoint, inputs, id = ctx.id('prd'), unit = id }: Input<Operations['predict']>,
): Promise<Answer> {
  const routing = requireRouting(ctx, endpoint)
  const first = choose(ctx, routing, unit)
  const { target } = first
  registry.refuseUnknown(inputs, knownFields(ctx, routing))
  const rollout = routing.canary !== null || routing.shadow !== null
  const call: Call = { ctx, endpoint, id, unit, at: ctx.now(), inputs, rollout }
  const { output, marks, error } = await answer(call, first)
  if (routing.shadow) shadow(call, routing.shadow)
  if (!error && output !== null) return { id, output, release: target.release, version: target.version, marks }
  return { id, ...(await fallback(call, routing, target, error)) }
}

/** A release that fails does not fail the caller. */
async function fallback(
  call: Call,
  routing: Routing,
  failed: Target,
  error: AppError | undefined,
): Promise<Omit<Answer, 'id'>> {
  const { ctx } = call
  for (const asked of standIns(ctx, routing, failed)) {
    if (ctx.deadline !== undefined && ctx.clock.elapsed() >= ctx.deadline) break
    const { output, marks, error } = await standIn(call, asked)
    const { release, version } = asked.target
    if (!error && output !== null) return { output, release, version, marks }
  }
  const { release } = failed
  if (error && error.code !== 'upstream_failed') throw error
  const why = error?.message ?? `"${release}" could not answer.`
  throw new AppError('upstream_failed', `${why} Nothing could stand in for it.`, {
    name: release,
    hint: error?.hint,
    cause: error,
  })
}

/** A version that reads other fields cannot stand in for this request: that is no mistake of the caller. */
async function standIn(call: Call, asked: AskedRelease): ReturnType<typeof answer> {
  try {
    return await answer(call, asked)
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'invalid_input') return { output: null, marks: [], error: thrown }
    throw thrown
  }
}

const known = new WeakMap<Routing, ReadonlySet<string>>()

/** A caller may send what any of the loaded versions reads; each takes what it needs. */
export function knownFields(ctx: Context, routing: Routing): ReadonlySet<string> {
  const { endpoint, live, canary, shadow, warm } = routing
  const found = known.get(routing)
  if (found) return found
  const targets = [live, canary, shadow, ...warm].filter((target) => target !== null)
  const loaded = targets.map(({ version }) => loadedVersion(ctx, endpoint, version))
  const set = new Set(loaded.flatMap((version) => (version?.rows.request ?? []).map(({ name }) => name)))
  // What is still loading will read more.
  if (!loaded.includes(undefined)) known.set(routing, set)
  return set
}
