import { type Context, liveValue } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import type { Row, Value } from '../../core/onnx.ts'
import * as features from '../features/features.ts'
import type { serving } from './contract.ts'
import { type Arm, type Bad, record } from './log.ts'
import { type Loaded, loadedVersion, type Routing, requireRouting } from './routing.ts'
import * as rules from './rules.ts'

type Operations = typeof serving
type Answer = Output<Operations['predict']>
type Target = { release: string; version: number }

export type Counters = { requests: number; bad: Record<Bad, number> }
export const counters = (ctx: Context) => liveValue(ctx, 'serving.counters', () => new Map<string, Counters>())

const shadowCapacity = 1_000
const shadowQueue = (ctx: Context) =>
  liveValue(ctx, 'serving.shadow', () => ({ waiting: [] as (() => Promise<void>)[], running: false }))

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
  const at = ctx.now()
  const call = { ctx, endpoint, id, unit, at, inputs }
  const outcome = await answer(call, chosen, target, inCanary ? 'canary' : 'live')
  if (routing.shadow) shadow(call, routing.shadow)
  if (rules.isValid(outcome.output, chosen.binary))
    return { id, output: outcome.output, release: target.release, version: target.version }
  return { id, ...(await fallback(call, routing, target)) }
}

type Call = { ctx: Context; endpoint: string; id: string; unit: string; at: Date; inputs: Record<string, unknown> }
type Outcome = { output: Value; bad: Bad | null }

async function answer(
  { ctx, endpoint, id, unit, at, inputs }: Call,
  chosen: Loaded,
  target: Target,
  arm: Arm,
): Promise<Outcome> {
  const started = ctx.clock.elapsed()
  let row: Row = {}
  let output: Value = null
  let bad: Bad | null = null
  try {
    row =
      chosen.service === undefined
        ? plain(inputs)
        : features.lookupOnline(ctx, { service: chosen.service, request: inputs, at }).values
    output = (await chosen.runtime.predict([row]))[0] ?? null
    if (!rules.isValid(output, chosen.binary)) bad = 'invalid'
  } catch (error) {
    bad = 'error'
    ctx.log.warn({ err: error, endpoint, release: target.release }, 'a model failed to answer')
  }
  const latencyMs = ctx.clock.elapsed() - started
  if (bad === null && latencyMs > chosen.slowAfterMs) bad = 'slow'
  record(ctx, {
    id,
    endpoint,
    at: at.toISOString(),
    unit,
    release: target.release,
    version: target.version,
    arm,
    inputs: row,
    output,
    bad,
    latencyMs,
  })
  count(ctx, target.release, bad)
  return { output: bad === 'error' || bad === 'invalid' ? null : output, bad }
}

/** A release that fails does not fail the caller: the live one answers, then the built-in baseline. */
async function fallback(call: Call, routing: Routing, failed: Target): Promise<Omit<Answer, 'id'>> {
  const others = [routing.live, ...routing.warm].filter(({ release }) => release !== failed.release)
  for (const target of others) {
    const loaded = loadedVersion(call.ctx, call.endpoint, target.version)
    if (!loaded) continue
    const { output } = await answer(call, loaded, target, 'live')
    if (rules.isValid(output, loaded.binary)) return { output, release: target.release, version: target.version }
  }
  throw new AppError('upstream_failed', `"${failed.release}" could not answer, and nothing could stand in for it.`, {
    name: failed.release,
  })
}

function shadow(call: Call, target: Target): void {
  const queue = shadowQueue(call.ctx)
  const loaded = loadedVersion(call.ctx, call.endpoint, target.version)
  if (!loaded || queue.waiting.length >= shadowCapacity) return
  const { release, version } = target
  queue.waiting.push(async () => {
    await answer(call, loaded, { release, version }, 'shadow')
  })
  if (queue.running) return
  queue.running = true
  setImmediate(() => void drainShadow(call.ctx))
}

async function drainShadow(ctx: Context): Promise<void> {
  const queue = shadowQueue(ctx)
  for (let work = queue.waiting.shift(); work; work = queue.waiting.shift()) await work()
  queue.running = false
}

function ready(ctx: Context, endpoint: string, version: number): Loaded {
  const loaded = loadedVersion(ctx, endpoint, version)
  if (loaded) return loaded
  throw new AppError('not_ready', `"${endpoint}" is still loading version ${version}.`, { name: endpoint })
}

/** A caller may send what any of the loaded versions reads; each takes what it needs. */
export function knownFields(ctx: Context, { endpoint, live, canary, shadow, warm }: Routing): Loaded['fields'] {
  return [live, canary, shadow, ...warm].flatMap((target) =>
    target ? (loadedVersion(ctx, endpoint, target.version)?.fields ?? []) : [],
  )
}

function plain(inputs: Record<string, unknown>): Row {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      typeof value === 'number' || typeof value === 'string' ? value : null,
    ]),
  )
}

function count(ctx: Context, release: string, bad: Bad | null): void {
  const all = counters(ctx)
  const entry = all.get(release) ?? { requests: 0, bad: { error: 0, slow: 0, invalid: 0 } }
  entry.requests += 1
  if (bad) entry.bad[bad] += 1
  all.set(release, entry)
}
