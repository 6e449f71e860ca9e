import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { checkDestination } from '../../core/egress/egress.ts'
import { conflict, invalidInput, notFound } from '../../core/errors.ts'
import { nextOf } from '../../core/paging.ts'
import { seal } from '../../core/secrets.ts'
import { transaction } from '../../core/transaction.ts'
import type { webhooks } from './contract.ts'
import { deliveryOf, enqueueAttempt, post, sealed } from './deliver.ts'
import { append } from './events.ts'
import { type FormatName, formats } from './formats/formats.ts'
import * as store from './store.ts'

type Operations = typeof webhooks

type Webhook = Output<Operations['get']>

export function create(ctx: Context, input: Input<Operations['create']>): Promise<Webhook> {
  checkDestination(ctx, input.url)
  const { name, url, events, format = 'generic', description = '', active = true, secret } = input
  return transaction(ctx, async (ctx) => {
    const now = ctx.now().toISOString()
    const row: store.WebhookRecord = {
      id: ctx.id('whk'),
      name,
      description,
      url,
      events,
      format,
      active,
      secret: secret === undefined ? null : seal(ctx, sealed, secret),
      created_at: now,
      updated_at: now,
    }
    await store.insert(ctx, row)
    await append(ctx, 'webhooks.created', `webhook/${row.id}`, { name, host: new URL(url).host, events, format })
    return toWebhook(row)
  })
}

export async function list(
  ctx: Context,
  { limit = 100, cursor = '' }: Input<Operations['list']>,
): Promise<Output<Operations['list']>> {
  const rows = await store.list(ctx, cursor, limit)
  return { items: rows.map(toWebhook), ...nextOf(rows, limit, ({ id }) => id) }
}

export async function get(ctx: Context, { webhook }: Input<Operations['get']>): Promise<Webhook> {
  return toWebhook(await require(ctx, webhook))
}

export function update(ctx: Context, { webhook, ...changes }: Input<Operations['update']>): Promise<Webhook> {
  if (changes.url !== undefined) checkDestination(ctx, changes.url)
  const { name, url, events, description, secret, active } = changes
  return transaction(ctx, async (ctx) => {
    const row = await require(ctx, webhook)
    const values: Partial<store.WebhookRecord> = {
      ...(name === undefined ? {} : { name }),
      ...(url === undefined ? {} : { url }),
      ...(events === undefined ? {} : { events }),
      ...(description === undefined ? {} : { description }),
      ...(secret === undefined ? {} : { secret: secret === '' ? null : seal(ctx, sealed, secret) }),
      ...(active === undefined ? {} : { active }),
      updated_at: ctx.now().toISOString(),
    }
    await store.update(ctx, webhook, values)
    await append(ctx, 'webhooks.updated', `webhook/${webhook}`, { changed: Object.keys(changes) })
    return toWebhook({ ...row, ...values })
  })
}

export function remove(ctx: Context, { webhook }: Input<Operations['remove']>): Promise<Output<Operations['remove']>> {
  return transaction(ctx, async (ctx) => {
    const { name } = await require(ctx, webhook)
    await store.remove(ctx, webhook)
    await append(ctx, 'webhooks.removed', `webhook/${webhook}`, { name })
    return {}
  })
}

export async function test(
  ctx: Context,
  { webhook, event }: Input<Operations['test']>,
): Promise<Output<Operations['test']>> {
  const row = await require(ctx, webhook)
  const { example, render } = formats[row.format as FormatName]
  const made = example(event, ctx.now().toISOString())
  if (!made) throw invalidInput(`The format "${row.format}" has no event "${event}".`, { name: event })
  const answer = await post(ctx, row, { id: ctx.id('whd'), ...render(made) })
  if ('failure' in answer) return { ok: false, status: null, error: answer.failure }
  return { ok: answer.status >= 200 && answer.status < 300, status: answer.status, error: null }
}

export async function deliveries(
  ctx: Context,
  { webhook, limit = 100, cursor }: Input<Operations['deliveries']>,
): Promise<Output<Operations['deliveries']>> {
  await require(ctx, webhook)
  const rows = await store.listDeliveries(ctx, webhook, cursor, limit)
  return { items: rows.map(deliveryOf), ...nextOf(rows, limit, ({ id }) => id) }
}

export function redeliver(
  ctx: Context,
  { delivery }: Input<Operations['redeliver']>,
): Promise<Output<Operations['redeliver']>> {
  return transaction(ctx, async (ctx) => {
    const row = await store.findDelivery(ctx, delivery)
    if (!row) throw notFound('Delivery', delivery)
    if (row.state !== 'failed') throw conflict(`The delivery "${delivery}" is ${row.state}.`, { name: delivery })
    const again = { state: 'pending', attempts: 0, finished_at: null, next_at: ctx.now().toISOString() }
    await store.updateDelivery(ctx, delivery, again)
    await enqueueAttempt(ctx, delivery, ctx.now())
    return deliveryOf({ ...row, ...again })
  })
}

async function require(ctx: Context, id: string): Promise<store.WebhookRecord> {
  const row = await store.find(ctx, id)
  if (!row) throw notFound('Webhook', id, 'List them with "keel webhooks list".')
  return row
}

function toWebhook(row: store.WebhookRecord): Webhook {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    url: row.url,
    events: row.events,
    format: row.format as FormatName,
    active: row.active,
    signed: row.secret !== null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
