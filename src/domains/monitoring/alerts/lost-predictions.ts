import type { Context } from '../../../core/context.ts'
import { type EventOf, nameIn } from '../../../core/event-contract.ts'
import type { events } from '../../serving/events.ts'
import * as serving from '../../serving/serving.ts'
import * as store from '../store.ts'
import { raiseImmediately } from './alerting.ts'

const subject = 'prediction log'

/** Predictions lost by the log are missing from every window: one alert pages, and later losses are added to it. */
export async function alertLostPredictions(
  ctx: Context,
  event: EventOf<typeof events, 'serving.log_lost'>,
): Promise<void> {
  const model = nameIn(event.subject)
  const { count, ...period } = event.data
  const open = await store.firingAlert(ctx, model, 'data', subject)
  const counted = open ? Number(open.value.value) : 0
  const [from, to, total] = [open?.window_from ?? period.from, period.to, counted + count]
  const summary = `${total} predictions from ${from} to ${to} were answered but could not be written to the prediction log.`
  const value = { value: total, n: total }
  if (open) {
    await store.updateAlert(ctx, open.id, { summary, value, window_to: to })
    return
  }
  const release = serving.currentRouting(ctx, model)?.live.release ?? 'unknown'
  await raiseImmediately(
    ctx,
    {
      signal: 'data',
      subject,
      severity: 'page',
      summary,
      value,
      threshold: 0,
      thresholdFrom: 'every answer is written down',
    },
    { model, release, from, to },
  )
}
