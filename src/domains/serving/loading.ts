import type { Context } from '../../core/context.ts'
import type { Row, Value } from '../../core/onnx.ts'
import * as features from '../features/features.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { createBatcher } from './gateway/batcher.ts'
import { createLane, type Lane, type LaneRules } from './gateway/lane.ts'
import { type LogRules, logRules } from './log-rules.ts'
import { type Field, milliseconds, type OutputKind } from './rules.ts'

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
  /** When a routing last asked for it (clock.elapsed()). */
  neededAt: number
}

const defaultSlow = '250ms'
const defaultTimeout = '10s'

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
  const rules = { concurrency: limits?.concurrency ?? concurrency, queue: limits?.queue ?? queue }
  return {
    version,
    runtime,
    predict: onePredictor(runtime, spec?.serves.batch),
    lane: createLane(`${model}@${version}`, rules, ctx.clock.elapsed),
    service,
    fields: service === undefined ? fromSignature(row?.signature) : await features.requestFields(ctx, service),
    output: spec?.serves.output,
    log: logRules(spec?.serves.log, spec?.serves.output),
    slowAfterMs: milliseconds(spec?.delivery.rollout.slow_after ?? defaultSlow),
    timeoutMs: milliseconds(limits?.timeout ?? defaultTimeout),
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

type Signature = Awaited<ReturnType<typeof registry.getVersion>>['signature'] | undefined

function fromSignature(signature: Signature): Field[] {
  return (signature?.inputs ?? []).map((input) => ({
    ...input,
    type: input.type === 'string' ? 'string' : 'number',
    integer: input.type === 'integer',
  }))
}
