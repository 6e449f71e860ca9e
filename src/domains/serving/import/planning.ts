import type { Context } from '../../../core/context.ts'
import { minute } from '../../../core/duration.ts'
import { millisecondsOf } from '../../../core/time.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import { enqueue } from '../jobs.ts'
import type { ImportsTable } from '../schema.ts'
import { labelSetup, predictionSetup } from './setup.ts'

/** Rows often come in many batches: they are looked at together, once a minute. */
const slotMilliseconds = minute

/** New rows of a source: the models whose predictions or labels it holds look at them. */
export async function planAfterRows(ctx: Context, source: string): Promise<void> {
  for (const spec of await registry.currentSpecs(ctx)) {
    if (predictionSetup(spec)?.source === source) await plan(ctx, spec, 'predictions')
    if (labelSetup(spec)?.source === source) await plan(ctx, spec, 'labels')
  }
}

/** Predictions that come later than their labels. */
export async function planAfterPredictions(ctx: Context, model: string): Promise<void> {
  const spec = await registry.currentSpec(ctx, model)
  if (spec && labelSetup(spec)) await plan(ctx, spec, 'labels')
}

/** Another spec may name another source. */
export async function planAfterSpec(ctx: Context, model: string): Promise<void> {
  const spec = await registry.currentSpec(ctx, model)
  if (spec && predictionSetup(spec)) await plan(ctx, spec, 'predictions')
  if (spec && labelSetup(spec)) await plan(ctx, spec, 'labels')
}

/** Predictions that wait for their label to count. */
export function planAt(ctx: Context, spec: ModelSpec, at: string): Promise<void> {
  const slot = Math.ceil(millisecondsOf(at) / slotMilliseconds)
  return enqueueImport(ctx, spec, 'labels', `due ${slot}`, new Date(slot * slotMilliseconds))
}

function plan(ctx: Context, spec: ModelSpec, what: Kind): Promise<void> {
  const slot = Math.floor(ctx.now().getTime() / slotMilliseconds)
  const end = slot + 1
  return enqueueImport(ctx, spec, what, String(slot), new Date(end * slotMilliseconds))
}

type Kind = ImportsTable['what']

async function enqueueImport(ctx: Context, { model }: ModelSpec, what: Kind, slot: string, runAt: Date): Promise<void> {
  await enqueue(ctx, {
    kind: 'serving.import',
    payload: { model, what },
    key: `serving.import/${what}/${model}/${slot}`,
    runAt,
  })
}
