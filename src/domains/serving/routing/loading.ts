import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import * as evaluation from '../../evaluation/evaluation.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import { type Cap, giveBack, lacks, openAnswer, provide } from '../budget/budget.ts'
import { type LogRules, logRules } from '../log/log.ts'
import type { OutputKind } from '../rules.ts'
import { createBatcher } from './batcher.ts'
import { type ClassWatch, newClassWatch } from './class-watch.ts'
import { createLane, type Lane, type LaneRules } from './lane.ts'

/** How a version is asked, as the spec says: a new spec counts from the next request on. */
type Rules = {
  /** One row through the batcher, where the spec wants one. */
  predict(row: Row, asking: registry.CallOptions): Promise<Value>
  output: OutputKind | undefined
  slowAfterMs: number
  log: LogRules
  timeoutMs: number
  cap: Cap
}

/** A version ready to answer. */
export type LoadedVersion = Rules & {
  version: number
  specVersion: number
  runtime: registry.Runtime
  lane: Lane
  /** What it has answered where probabilities are expected; null of a constant, which is what it is. */
  classes: ClassWatch | null
  service: string | undefined
  rows: registry.RowRules
  /** Unit -> price, for what answers cost; the newest table. */
  prices: Record<string, number>
  /** When a routing last asked for it (clock.elapsed()). */
  neededAt: number
}

const defaultSlow = '250ms'
const defaultTimeout = '10s'
const defaultChatTimeout = '60s'
const defaultSlowChat = '30s'

/** What runs here is fast and bounded by its threads; what is elsewhere is asked by few at a time. */
const laneOf: Record<registry.RuntimeState['kind'], LaneRules> = {
  constant: { concurrency: 4_096, queue: 0 },
  onnx: { concurrency: 1_024, queue: 4_096 },
  process: { concurrency: 64, queue: 256 },
  upstream: { concurrency: 64, queue: 256 },
  prompt: { concurrency: 32, queue: 128 },
}

/** `signal` stops one that starts a process. */
export async function loadVersion(
  ctx: Context,
  model: string,
  version: number,
  signal: AbortSignal,
): Promise<LoadedVersion> {
  const { spec, specVersion } = await registry.getModel(ctx, { model })
  const runtime = await registry.openRuntime(ctx, { model, version, purpose: 'live', signal })
  const row = version === 0 ? undefined : await registry.getVersion(ctx, { model, version })
  const service = row?.service ?? undefined
  const rules = rulesOf(spec, runtime)
  await provideFirst(ctx, model, rules.cap)
  return {
    ...rules,
    version,
    specVersion,
    runtime,
    lane: createLane(`${model}@${version}`, laneRules(spec, runtime), ctx.clock.elapsed),
    classes: runtime.state().kind === 'constant' ? null : newClassWatch(),
    service,
    rows: await registry.rowRules(ctx, row, spec?.serves),
    prices: (await evaluation.getPrices(ctx)).prices,
    neededAt: ctx.clock.elapsed(),
  }
}

/** Takes over a newer spec in place. What the version runs on stays as it was loaded: that changes by a release. */
export async function followSpec(ctx: Context, model: string, loaded: LoadedVersion): Promise<void> {
  const { spec, specVersion } = await registry.getModel(ctx, { model })
  if (specVersion === loaded.specVersion) return
  const rules = rulesOf(spec, loaded.runtime)
  if (rules.cap.per_day !== loaded.cap.per_day) {
    await giveBack(ctx, model)
    await provideFirst(ctx, model, rules.cap)
  }
  const version = loaded.version === 0 ? undefined : await registry.getVersion(ctx, { model, version: loaded.version })
  const rows = await registry.rowRules(ctx, version, spec?.serves)
  Object.assign(loaded, rules, { specVersion, rows })
  loaded.lane.limit(laneRules(spec, loaded.runtime))
}

/** The first call finds money at hand. */
async function provideFirst(ctx: Context, endpoint: string, { per_day: perDay }: Cap): Promise<void> {
  if (perDay === undefined) return
  const wanted = { endpoint, perDay, need: perDay * openAnswer }
  while (lacks(ctx, wanted)) await provide(ctx, wanted)
}

function laneRules(spec: ModelSpec | null, runtime: registry.Runtime): LaneRules {
  const standard = laneOf[runtime.state().kind]
  const { concurrency = standard.concurrency, queue = standard.queue } = spec?.serves.limits ?? {}
  return { concurrency, queue }
}

function rulesOf(spec: ModelSpec | null, runtime: registry.Runtime): Rules {
  const limits = spec?.serves.limits
  const timeout = runtime.chat ? (runtime.chat.provider.timeout ?? defaultChatTimeout) : defaultTimeout
  const slow = runtime.chat ? defaultSlowChat : defaultSlow
  return {
    predict: onePredictor(runtime, spec?.serves.batch),
    output: spec?.serves.output,
    slowAfterMs: milliseconds(spec?.delivery.rollout.slow_after ?? slow),
    log: logRules(spec?.serves.log, spec?.serves.output),
    timeoutMs: milliseconds(limits?.timeout ?? timeout),
    cap: limits?.cost ?? {},
  }
}

function onePredictor(runtime: registry.Runtime, batch: ModelSpec['serves']['batch']): LoadedVersion['predict'] {
  if (!batch) return async (row, asking) => (await runtime.predict([row], asking))[0] ?? null
  const gather = createBatcher((rows) => runtime.predict(rows), {
    size: batch.size,
    waitMilliseconds: milliseconds(batch.wait),
  })
  return (row) => gather(row)
}
