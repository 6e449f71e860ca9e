import { contract, Name, Nothing, object, oneOf, optional, page, paging, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { formatNames } from './formats/formats.ts'

/** In whose format the receiver is notified; each has its own names for what happened. */
export const FormatName = oneOf(formatNames)

const EventPattern = Type.String({
  pattern: '^(\\*|[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*(\\.\\*)?)$',
  maxLength: 128,
  description: 'The name of an event in the words of the format, such as delivery.rolled_back; * at its end for all',
})
const Events = Type.Array(EventPattern, { minItems: 1, maxItems: 64 })
const Url = Type.String({ minLength: 1, maxLength: 2048 })
const Secret = Type.String({ minLength: 8, maxLength: 1000 })
const Description = Type.String({ maxLength: 1000 })

export const Webhook = object({
  id: Name,
  name: Name,
  description: Type.String(),
  url: Type.String(),
  events: Type.Array(Type.String()),
  format: FormatName,
  active: Type.Boolean(),
  signed: Type.Boolean({ description: 'Whether it has a secret; the secret itself is never shown' }),
  createdAt: Time,
  updatedAt: Time,
})

export const WebhookDelivery = object({
  id: Name,
  webhook: Name,
  event: Type.String(),
  subject: Type.String(),
  seq: Type.Integer({ description: 'Of the event in the audit log' }),
  state: oneOf(['pending', 'delivered', 'failed']),
  attempts: Type.Integer(),
  status: Type.Union([Type.Integer(), Type.Null()], { description: 'What the receiver last answered' }),
  error: Type.Union([Type.String(), Type.Null()]),
  createdAt: Time,
  nextAt: Type.Union([Time, Type.Null()]),
  finishedAt: Type.Union([Time, Type.Null()]),
})

export const webhooks = contract({
  create: {
    method: 'POST',
    path: '/webhooks',
    role: 'admin',
    summary: 'Tells an address when something happens, until it has taken it',
    input: object({
      name: Name,
      url: Url,
      events: Events,
      format: optional(FormatName),
      description: optional(Description),
      secret: optional(Secret),
      active: optional(Type.Boolean()),
    }),
    output: Webhook,
  },
  list: {
    method: 'GET',
    path: '/webhooks',
    role: 'admin',
    summary: 'All webhooks, without their secrets',
    input: object(paging),
    output: page(Webhook),
  },
  get: {
    method: 'GET',
    path: '/webhooks/:webhook',
    role: 'admin',
    summary: 'One webhook',
    input: object({ webhook: Name }),
    output: Webhook,
  },
  update: {
    method: 'PATCH',
    path: '/webhooks/:webhook',
    role: 'admin',
    summary: 'Changes a webhook; an empty secret takes the signature away',
    input: object({
      webhook: Name,
      name: optional(Name),
      url: optional(Url),
      events: optional(Events),
      description: optional(Description),
      secret: optional(Type.Union([Secret, Type.Literal('')])),
      active: optional(Type.Boolean()),
    }),
    output: Webhook,
  },
  remove: {
    method: 'DELETE',
    path: '/webhooks/:webhook',
    role: 'admin',
    summary: 'Removes a webhook with its log; what was not delivered yet is dropped',
    input: object({ webhook: Name }),
    output: Nothing,
  },
  test: {
    method: 'POST',
    path: '/webhooks/:webhook/test',
    role: 'admin',
    summary: 'Sends one example now and tells the status of the answer, never its text',
    input: object({ webhook: Name, event: optional(Type.String({ maxLength: 128 })) }),
    output: object({
      ok: Type.Boolean(),
      status: Type.Union([Type.Integer(), Type.Null()]),
      error: Type.Union([Type.String(), Type.Null()]),
    }),
  },
  deliveries: {
    method: 'GET',
    path: '/webhooks/:webhook/deliveries',
    role: 'admin',
    summary: 'What was sent, newest first: attempts, last status, and when it is tried again',
    input: object({ webhook: Name, ...paging }),
    output: page(WebhookDelivery),
  },
  redeliver: {
    method: 'POST',
    path: '/webhooks/deliveries/:delivery/redeliver',
    role: 'admin',
    summary: 'Sends a failed delivery again, with the same id and the same bytes',
    input: object({ delivery: Name }),
    output: WebhookDelivery,
  },
})
