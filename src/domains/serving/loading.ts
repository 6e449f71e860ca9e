import type { Context } from '../../core/context.ts'
import type { Row, Value } from '../../core/onnx.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import * as features from '../features/features.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { createBatcher } from './gateway/batcher.ts'
import { createLane, type Lane, type LaneRules } from './gateway/lane.ts'
import { type LogRules, logRules } from './log-rules.ts'
import { type Field, milliseconds, type OutputKind } from './rules.ts'
import { type Cap, recallSpend } from './spend.ts'

/** A version ready to answer. */
export type Loaded = {
  version: number
  runtime: registry.Runtime
  /** One row through the batcher, where the spec wants one. */
  predict(row: Row, asking: registry.Asking): Promise<Value>
  lane: Lane
  service: string | undefined
  /** What a caller has to send. */
  fields: Field[]
  output: OutputKind | undefined
  slowAfterMs: number
  log: LogRules
  timeoutMs: number
  /** Unit -> price, for what answers cost; the newest table. */
  prices: Record<string, number>
  cap: Cap
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

export async function loadVersion(ctx: Context, model: string, version: number): Promise<Loaded> {
  const { spec } = await registry.getModel(ctx, { model })
  const runtime = await registry.openRuntime(ctx, { model, version, purpose: 'live' })
  const row = version === 0 ? undefined : await registry.getVersion(ctx, { model, version })
  const service = row?.service ?? undefined
  const { concurrency, queue } = laneOf[runtime.state().kind]
  const limits = spec?.serves.limits
  const log = logRules(spec?.serves.log, spec?.serves.output)
  if (limits?.cost) await recallSpend(ctx, model, log.share)
  const rules = { concurrency: limits?.concurrency ?? concurrency, queue: limits?.queue ?? queue }
  return {
    version,
    runtime,
    predict: onePredictor(runtime, spec?.serves.batch),
    lane: createLane(`${model}@${version}`, rules, ctx.clock.elapsed),
    service,
    fields: await fieldsOf(ctx, row),
    output: spec?.serves.output,
    log,
    slowAfterMs: milliseconds(spec?.delivery.rollout.slow_after ?? (runtime.chat ? defaultSlowChat : defaultSlow)),
    prices: (await evaluation.getPrices(ctx)).prices,
    cap: limits?.cost ?? {},
    timeoutMs: milliseconds(
      limits?.timeout ?? (runtime.chat ? (runtime.chat.provider.timeout ?? defaultChatTimeout) : defaultTimeout),
    ),
    neededAt: ctx.clock.elapsed(),
  }
}

function onePredictor(runtime: registry.Runtime, batch: ModelSpec['serves']['batch']): Loaded['predict'] {
  if (!batch) return async (row, asking) => (await runtime.predict([row], asking))[0] ?? null
  const gather = createBatcher((rows) => runtime.predict(rows), {
    size: batch.size,
    waitMilliseconds: milliseconds(batch.wait),
  })
  return (row) => gather(row)
}

type Version = Awaited<ReturnType<typeof registry.getVersion>>

/** What a caller has to send. */
export async function fieldsOf(ctx: Context, version: Version | undefined): Promise<Field[]> {
  if (!version) return []
  const { service, prompt, signature } = version
  if (service !== null) return features.requestFields(ctx, service)
  if (prompt !== null) return registry.variablesOf(prompt).map((name) => ({ name, type: 'string' }))
  return (signature?.inputs ?? []).map((input) => ({
    ...input,
    type: input.type === 'string' ? 'string' : 'number',
    integer: input.type === 'integer',
  }))
}
