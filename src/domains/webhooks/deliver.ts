import type { Context } from '../../core/context.ts'
import type { Output } from '../../core/contract.ts'
import { day } from '../../core/duration.ts'
import { send } from '../../core/egress/egress.ts'
import { AppError } from '../../core/errors.ts'
import type { Event } from '../../core/event-contract.ts'
import type { JobOutput, JobTools } from '../../core/job-contract.ts'
import { unseal } from '../../core/secrets.ts'
import { transaction } from '../../core/transaction.ts'
import { version } from '../../version.ts'
import type { webhooks } from './contract.ts'
import { type FormatName, formats } from './formats/formats.ts'
import { enqueue, type jobs } from './jobs.ts'
import { type Answer, judge, matches, signatureOf } from './rules.ts'
import type { WebhookDeliveriesTable } from './schema.ts'
import * as store from './store.ts'

/** What webhook secrets are sealed for. */
export const sealed = 'webhooks.secret'

const timeoutMilliseconds = 15_000
const keptMilliseconds = 30 * day

/** Writes down, in the transaction of the event, who has to be notified; a crash after it loses nothing. */
export async function tellReceivers(ctx: Context, event: Event): Promise<void> {
  for (const webhook of await store.listActive(ctx)) {
    const format = formats[webhook.format as FormatName]
    const name = format.nameOf(event)
    if (name === undefined || !matches(webhook.events, name)) continue
    const { contentType, body } = format.render(event)
    const now = ctx.now()
    const id = ctx.id('whd')
    await store.insertDelivery(ctx, {
      id,
      webhook: webhook.id,
      event: name,
      subject: event.subject,
      seq: event.seq,
      content_type: contentType,
      body,
      state: 'pending',
      attempts: 0,
      status: null,
      error: null,
      created_at: now.toISOString(),
      next_at: now.toISOString(),
      finished_at: null,
    })
    await enqueueAttempt(ctx, id, now)
  }
}

export async function enqueueAttempt(ctx: Context, delivery: string, runAt: Date): Promise<void> {
  await enqueue(ctx, { kind: 'webhooks.attempt', payload: { delivery }, runAt })
}

type AttemptResult = JobOutput<(typeof jobs)['webhooks.attempt']>

/** One try. What it came to and when the next is due are written together. */
export async function attempt(
  ctx: Context,
  payload: { delivery: string },
  { signal }: Pick<JobTools, 'signal'>,
): Promise<AttemptResult> {
  const delivery = await store.findDelivery(ctx, payload.delivery)
  const webhook = delivery && (await store.find(ctx, delivery.webhook))
  if (!delivery || !webhook || delivery.state !== 'pending') return { state: 'dropped' }
  const { id, body, content_type: contentType } = delivery
  const answer: Answer = webhook.active
    ? await post(ctx, webhook, { id, body, contentType }, signal)
    : { failure: 'The webhook was switched off.', temporary: false }
  const attempts = Number(delivery.attempts) + 1
  const verdict = judge(answer, attempts, ctx.random())
  return transaction(ctx, async (ctx) => {
    const now = ctx.now()
    const again = verdict.state === 'pending' ? new Date(now.getTime() + verdict.delay) : undefined
    await store.updateDelivery(ctx, id, {
      state: verdict.state,
      attempts,
      status: 'status' in answer ? answer.status : null,
      error: verdict.error,
      next_at: again?.toISOString() ?? null,
      finished_at: again ? null : now.toISOString(),
    })
    if (again) await enqueueAttempt(ctx, id, again)
    else await store.forgetDeliveries(ctx, new Date(now.getTime() - keptMilliseconds).toISOString())
    return { state: verdict.state, attempts }
  })
}

/** Sends signed bytes. The answer's text is read by nobody: it could be a page of our own network. */
export async function post(
  ctx: Context,
  webhook: store.WebhookRecord,
  { id, body, contentType }: { id: string; body: string; contentType: string },
  signal?: AbortSignal,
): Promise<Answer> {
  const { headers } = formats[webhook.format as FormatName]
  const timestamp = String(Math.floor(ctx.clock.wall() / 1_000))
  const secret = webhook.secret === null ? undefined : unseal(ctx, sealed, webhook.secret)
  try {
    const reply = await send(ctx, {
      url: webhook.url,
      method: 'POST',
      headers: {
        'content-type': contentType,
        'user-agent': `evenkeel/${version}`,
        [headers.id]: id,
        [headers.timestamp]: timestamp,
        ...(secret === undefined ? {} : { [headers.signature]: signatureOf(secret, { id, timestamp, body }) }),
      },
      body,
      timeoutMilliseconds,
      signal,
    })
    return { status: reply.status, retryAfter: reply.headers['retry-after'] }
  } catch (error) {
    if (signal?.aborted) throw error
    if (!(error instanceof AppError)) throw error
    return { failure: error.message, temporary: error.code === 'upstream_failed' }
  }
}

export function deliveryOf(row: WebhookDeliveriesTable): Output<(typeof webhooks)['redeliver']> {
  return {
    id: row.id,
    webhook: row.webhook,
    event: row.event,
    subject: row.subject,
    seq: row.seq,
    state: row.state as 'pending',
    attempts: row.attempts,
    status: row.status,
    error: row.error,
    createdAt: row.created_at,
    nextAt: row.next_at,
    finishedAt: row.finished_at,
  }
}
