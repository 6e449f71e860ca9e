import type { Context } from '../../core/context.ts'
import { flag, type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import type { WebhookDeliveriesTable, WebhooksTable, WebhooksTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<WebhooksTables>()

const webhooks = recordsOf<WebhooksTable>()({ events: trustedJson<string[]>(), active: flag })

export type WebhookRecord = Read<typeof webhooks>

export async function insert(ctx: Context, row: WebhookRecord): Promise<void> {
  await tables(ctx).insertInto('webhooks').values(webhooks.write(row)).execute()
}

export async function update(ctx: Context, id: string, values: Partial<WebhookRecord>): Promise<void> {
  await tables(ctx).updateTable('webhooks').set(webhooks.write(values)).where('id', '=', id).execute()
}

export async function remove(ctx: Context, id: string): Promise<void> {
  await tables(ctx).deleteFrom('webhook_deliveries').where('webhook', '=', id).execute()
  await tables(ctx).deleteFrom('webhooks').where('id', '=', id).execute()
}

export async function find(ctx: Context, id: string): Promise<WebhookRecord | undefined> {
  const row = await tables(ctx).selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst()
  return row && webhooks.read(row)
}

export async function list(ctx: Context, after: string, limit: number): Promise<WebhookRecord[]> {
  const query = tables(ctx).selectFrom('webhooks').selectAll().where('id', '>', after).orderBy('id').limit(limit)
  return (await query.execute()).map(webhooks.read)
}

export async function listActive(ctx: Context): Promise<WebhookRecord[]> {
  const rows = await tables(ctx).selectFrom('webhooks').selectAll().where('active', '=', 1).orderBy('id').execute()
  return rows.map(webhooks.read)
}

export async function insertDelivery(ctx: Context, row: WebhookDeliveriesTable): Promise<void> {
  await tables(ctx).insertInto('webhook_deliveries').values(row).execute()
}

export async function updateDelivery(ctx: Context, id: string, values: Partial<WebhookDeliveriesTable>): Promise<void> {
  await tables(ctx).updateTable('webhook_deliveries').set(values).where('id', '=', id).execute()
}

export async function findDelivery(ctx: Context, id: string): Promise<WebhookDeliveriesTable | undefined> {
  return tables(ctx).selectFrom('webhook_deliveries').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function listDeliveries(
  ctx: Context,
  webhook: string,
  before: string | undefined,
  limit: number,
): Promise<WebhookDeliveriesTable[]> {
  const query = tables(ctx)
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook', '=', webhook)
    .orderBy('id', 'desc')
    .limit(limit)
  return (before === undefined ? query : query.where('id', '<', before)).execute()
}

export async function forgetDeliveries(ctx: Context, finishedBefore: string): Promise<void> {
  await tables(ctx).deleteFrom('webhook_deliveries').where('finished_at', '<', finishedBefore).execute()
}
