import type { Migration } from '../../core/database/database.ts'

export type WebhooksTables = { webhooks: WebhooksTable; webhook_deliveries: WebhookDeliveriesTable }

export type WebhooksTable = {
  id: string
  name: string
  description: string
  url: string
  /** JSON list of names in the words of the format. */
  events: string
  format: string
  active: number
  /** Sealed; null when deliveries are not signed. */
  secret: string | null
  created_at: string
  updated_at: string
}

export type WebhookDeliveriesTable = {
  id: string
  webhook: string
  event: string
  subject: string
  seq: number
  content_type: string
  /** The very bytes of every attempt. */
  body: string
  state: string
  attempts: number
  status: number | null
  error: string | null
  created_at: string
  next_at: string | null
  finished_at: string | null
}

export const migrations: Migration[] = [
  {
    name: 'webhooks/001-webhooks',
    up: () => [
      `create table webhooks (
        id text primary key, name text not null, description text not null, url text not null, events text not null,
        format text not null, active integer not null, secret text, created_at text not null, updated_at text not null)`,
      `create table webhook_deliveries (
        id text primary key, webhook text not null, event text not null, subject text not null, seq bigint not null,
        content_type text not null, body text not null, state text not null, attempts bigint not null, status bigint,
        error text, created_at text not null, next_at text, finished_at text)`,
      'create index webhook_deliveries_by_webhook on webhook_deliveries (webhook, id)',
      'create index webhook_deliveries_finished on webhook_deliveries (finished_at)',
    ],
  },
]
