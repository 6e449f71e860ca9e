import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import type { serving } from '../contract.ts'
import { type Loaded, loadedVersion, type Routing, requireRouting } from '../routing/routing.ts'
import * as rules from '../rules.ts'
import { answer } from './answer.ts'
import type { Call, Target } from './record-answer.ts'
import { shadow } from './shadow.ts'

type Operations = typeof serving
type Answer = Output<Operations['predict']>

/** Answers from memory: routing, features and model. What is logged or shadowed happens after the answer. */
export async function predict(
  ctx: Context,
  { endpoint, inputs, id = ctx.id('prd'), unit = id }: Input<Operations['predict']>,
): Promise<Answer> {
  const routing = requireRouting(ctx, endpoint)
  const inCanary = routing.canary !== null && rules.inCanary(unit, routing.canary)
  const target: Target = inCanary && routing.canary ? routing.canary : routing.live
  const chosen = ready(ctx, endpoint, target.version)
  rules.checkInputs(inputs, chosen.fields, knownFields(ctx, routing))
  const rollout = routing.canary !== null || routing.shadow !== null
  const call: Call = { ctx, endpoint, id, unit, at: ctx.now(), inputs, rollout }
  const { output, error } = await answer(call, { chosen, target, arm: inCanary ? 'canary' : 'live' })
  if (routing.shadow) shadow(call, routing.shadow)
  if (!error && output !== null) return { id, output, release: target.release, version: target.version }
  return { id, ...(await fallback(call, routing, target, error)) }
}

/** A release that fails does not fail the caller: the live one answers, then the ones before it, then the built-in baseline. */
async function fallback(
  call: Call,
  routing: Routing,
  failed: Target,
  error: AppError | undefined,
): Promise<Omit<Answer, 'id'>> {
  const { ctx, endpoint } = call
  const others = [routing.live, ...routing.warm].filter(({ release }) => release !== failed.release)
  for (const target of others) {
    if (ctx.deadline !== undefined && ctx.clock.elapsed() >= ctx.deadline) break
    const chosen = loadedVersion(ctx, endpoint, target.version)
    if (!chosen) continue
    const { output, error } = await answer(call, { chosen, target, arm: 'live', fallback: true })
    if (!error && output !== null) return { output, release: target.release, version: target.version }
  }
  const { release } = failed
  if (error && error.code !== 'upstream_failed') throw error
  throw new AppError('upstream_failed', `"${release}" could not answer, and nothing could stand in for it.`, {
    name: release,
    cause: error,
  })
}

export function ready(ctx: Context, endpoint: string, version: number): Loaded {
  const loaded = loadedVersion(ctx, endpoint, version)
  if (loaded) return loaded
  throw new AppError('not_ready', `"${endpoint}" is still loading version ${version}.`, {
    name: endpoint,
    retryAfterSeconds: 1,
  })
}

const known = new WeakMap<Routing, ReadonlySet<string>>()

/** A caller may send what any of the loaded versions reads; each takes what it needs. */
export function knownFields(ctx: Context, routing: Routing): ReadonlySet<string> {
  const { endpoint, live, canary, shadow, warm } = routing
  const found = known.get(routing)
  if (found) return found
  const names = [live, canary, shadow, ...warm].flatMap((target) =>
    target ? (loadedVersion(ctx, endpoint, target.version)?.fields ?? []).map(({ name }) => name) : [],
  )
  const set = new Set(names)
  known.set(routing, set)
  return set
}
