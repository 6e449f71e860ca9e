import type { Context } from '../../core/context.ts'
import type { Output } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { millisecondsOf } from '../../core/time.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import type { webhooks as contract } from '../../domains/webhooks/contract.ts'
import * as webhooks from '../../domains/webhooks/webhooks.ts'
import { call } from './call.ts'
import { invalid, missing, orSay } from './errors.ts'
import * as input from './input.ts'
import * as views from './views.ts'

type Webhook = Output<(typeof contract)['get']>

const admin = { role: 'admin' } as const

export const webhookCalls = [
  call('POST webhooks', create, admin),
  call('GET webhooks', list, admin),
  call('GET webhooks/:webhook_id', get, admin),
  call('PATCH webhooks/:webhook_id', update, admin),
  call('DELETE webhooks/:webhook_id', remove, admin),
  call('POST webhooks/:webhook_id/test', test, admin),
]

async function create(ctx: Context, fields: input.Fields) {
  const description = input.optionalText(fields, 'description', { max: 1000 })
  const secret = secretOf(fields)
  const asked = withoutUndefined({
    name: nameOf(fields),
    url: input.text(fields, 'url', { max: 2048 }),
    events: eventsOf(fields),
    active: activeOf(fields) ?? true,
    description: description || undefined,
    secret: secret || undefined,
  })
  const made = webhooks.create(ctx, { ...asked, format: 'mlflow' })
  return { webhook: view(await onAddress(made)) }
}

async function list(ctx: Context, fields: input.Fields) {
  const limit = input.maxResults(fields, { fallback: 100, max: 1000 })
  const cursor = input.pageToken(fields)
  const { items, next } = await webhooks.list(ctx, withoutUndefined({ limit, cursor }))
  return {
    ...views.list('webhooks', items.filter(({ format }) => format === 'mlflow').map(view)),
    ...input.tokenOf(next),
  }
}

async function get(ctx: Context, fields: input.Fields) {
  return { webhook: view(await require(ctx, fields)) }
}

async function update(ctx: Context, fields: input.Fields) {
  const { id } = await require(ctx, fields)
  const url = input.optionalText(fields, 'url', { max: 2048 })
  const description = input.optionalText(fields, 'description', { max: 1000 })
  const change = withoutUndefined({
    webhook: id,
    name: fields['name'] ? nameOf(fields) : undefined,
    url: url || undefined,
    events: Array.isArray(fields['events']) && fields['events'].length > 0 ? eventsOf(fields) : undefined,
    description,
    secret: secretOf(fields) || undefined,
    active: activeOf(fields),
  })
  const changed = webhooks.update(ctx, change)
  return { webhook: view(await onAddress(changed)) }
}

async function remove(ctx: Context, fields: input.Fields) {
  await webhooks.remove(ctx, { webhook: (await require(ctx, fields)).id })
  return {}
}

/** The status is told, the answer's text never: it could be a page of our own network. */
async function test(ctx: Context, fields: input.Fields) {
  const { id, events } = await require(ctx, fields)
  const event =
    fields['event'] === undefined || fields['event'] === null ? events[0] : eventOf(fields['event'], 'event')
  const { ok, status, error } = await webhooks.test(ctx, withoutUndefined({ webhook: id, event }))
  return {
    result: {
      success: ok,
      ...(status === null ? {} : { response_status: status }),
      ...(error === null ? {} : { error_message: error }),
    },
  }
}

async function require(ctx: Context, fields: input.Fields): Promise<Webhook> {
  const id = input.text(fields, 'webhook_id', { max: 128 })
  const noSuch = () => missing(`Webhook with ID ${id} not found.`)
  const webhook = await orSay(webhooks.get(ctx, { webhook: id }), 'not_found', noSuch)
  if (webhook.format !== 'mlflow') throw noSuch()
  return webhook
}

function nameOf(fields: input.Fields): string {
  const name = input.text(fields, 'name')
  if (!/^[a-zA-Z0-9]([\w.-]{0,61}[a-zA-Z0-9])?$/.test(name))
    throw invalid(
      `Webhook name ${JSON.stringify(name.slice(0, 100))} is invalid: up to 63 letters, digits, ".", "_", "-".`,
    )
  return name
}

function secretOf(fields: input.Fields): string | undefined {
  const secret = input.optionalText(fields, 'secret', { max: 1000 })
  if (secret && secret.length < 8) throw invalid("Parameter 'secret' must have at least 8 characters.")
  return secret
}

function activeOf(fields: input.Fields): boolean | undefined {
  const status = input.optionalText(fields, 'status')
  if (!status) return undefined
  if (status !== 'ACTIVE' && status !== 'DISABLED') throw invalid(`Invalid webhook status '${status.slice(0, 100)}'.`)
  return status === 'ACTIVE'
}

function eventsOf(fields: input.Fields): string[] {
  const given = fields['events']
  if (!Array.isArray(given) || given.length === 0) throw invalid("Missing value for required parameter 'events'.")
  if (given.length > 64) throw invalid("Parameter 'events' must have at most 64 entries.")
  return [...new Set(given.map((event, index) => eventOf(event, `events[${index}]`)))]
}

function eventOf(given: unknown, path: string): string {
  const { entity, action } = (given ?? {}) as Record<string, unknown>
  const name = `${String(entity).toLowerCase()}.${String(action).toLowerCase()}`
  if (!webhooks.mlflowEvents.includes(name))
    throw invalid(`Invalid webhook event in '${path}': ${JSON.stringify(name.slice(0, 100))} does not happen.`)
  return name
}

function onAddress<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'invalid_input')
      throw invalid(`Invalid webhook URL: ${error.message}`)
    throw error
  })
}

function view(webhook: Webhook): Record<string, unknown> {
  return {
    webhook_id: webhook.id,
    name: webhook.name,
    ...(webhook.description === '' ? {} : { description: webhook.description }),
    url: webhook.url,
    events: webhook.events.map((event) => {
      const [entity = '', action = ''] = event.toUpperCase().split('.')
      return { entity, action }
    }),
    status: webhook.active ? 'ACTIVE' : 'DISABLED',
    creation_timestamp: millisecondsOf(webhook.createdAt),
    last_updated_timestamp: millisecondsOf(webhook.updatedAt),
  }
}
