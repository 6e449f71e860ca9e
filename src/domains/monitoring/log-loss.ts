import type { Context } from '../../core/context.ts'
import type { Event } from '../../core/events.ts'
import * as serving from '../serving/serving.ts'
import { raiseNow } from './alerting.ts'
import * as store from './store.ts'

const subject = 'prediction log'

/** Predictions that were answered but not written down are missing from every window they belong to: somebody hears of it. */
export async function alertLostLog(ctx: Context, event: Event): Promise<void> {
  const model = event.subject.replace('model/', '')
  const { count, from, to } = event.data as { count: number; from: string; to: string }
  if (await store.firingAlert(ctx, model, 'data', subject)) return
  const release = serving.currentRouting(ctx, model)?.live.release ?? 'unknown'
  await raiseNow(
    ctx,
    {
      signal: 'data',
      subject,
      severity: 'page',
      summary: `${count} predictions from ${from} to ${to} were answered but could not be written to the prediction log.`,
      value: { value: count, n: count },
      threshold: 0,
      thresholdFrom: 'every answer is written down',
    },
    { model, release, from, to },
  )
}
