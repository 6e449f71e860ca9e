import type { Context } from '../../core/context.ts'
import type { WebhookDeliveriesTable, WebhooksTable, WebhooksTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<WebhooksTables>()

export async function insert(ctx: Context, row: WebhooksTable): Promise<void> {
  await tables(ctx).insertInto('webhooks').values(row).execute()
}

export async function update(ctx: Context, id: string, values: Partial<WebhooksTable>): Promise<void> {
  await tables(ctx).updateTable('webhooks').set(values).where('id', '=', id).execute()
}

export async function remove(ctx: Context, id: string): Promise<void> {
  await tables(ctx).deleteFrom('webhook_deliveries').where('webhook', '=', id).execute()
  await tables(ctx).deleteFrom('webhooks').where('id', '=', id).execute()
}

export async function find(ctx: Context, id: string): Promise<WebhooksTable | undefined> {
  return tables(ctx).selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function list(ctx: Context, after: string, limit: number): Promise<WebhooksTable[]> {
  return tables(ctx).selectFrom('webhooks').selectAll().where('id', '>', after).orderBy('id').limit(limit).execute()
}

export async function listActive(ctx: Context): Promise<WebhooksTable[]> {
  return tables(ctx).selectFrom('webhooks').selectAll().where('active', '=', 1).orderBy('id').execute()
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
