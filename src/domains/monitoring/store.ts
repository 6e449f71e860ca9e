import type { Context } from '../../core/context.ts'
import type { AlertsTable, MonitoringTables, ReferencesTable, WindowsTable } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<MonitoringTables>()

export async function saveWindow(ctx: Context, row: WindowsTable): Promise<void> {
  await tables(ctx)
    .insertInto('windows')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['model', 'from_at']).doUpdateSet({ to_at: row.to_at, content: row.content }),
    )
    .execute()
}

export async function listWindows(
  ctx: Context,
  model: string,
  from: string,
  to: string,
  limit: number,
): Promise<WindowsTable[]> {
  return tables(ctx)
    .selectFrom('windows')
    .selectAll()
    .where('model', '=', model)
    .where('from_at', '>=', from)
    .where('from_at', '<', to)
    .orderBy('from_at')
    .limit(limit)
    .execute()
}

export async function latestWindow(ctx: Context, model: string): Promise<WindowsTable | undefined> {
  return tables(ctx)
    .selectFrom('windows')
    .selectAll()
    .where('model', '=', model)
    .orderBy('from_at', 'desc')
    .limit(1)
    .executeTakeFirst()
}

export async function findAlert(ctx: Context, id: string): Promise<AlertsTable | undefined> {
  return tables(ctx).selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function firingAlert(
  ctx: Context,
  model: string,
  signal: string,
  subject: string,
): Promise<AlertsTable | undefined> {
  return tables(ctx)
    .selectFrom('alerts')
    .selectAll()
    .where('model', '=', model)
    .where('signal', '=', signal)
    .where('subject', '=', subject)
    .where('state', '=', 'firing')
    .executeTakeFirst()
}

export async function insertAlert(ctx: Context, row: AlertsTable): Promise<void> {
  await tables(ctx).insertInto('alerts').values(row).execute()
}

export async function updateAlert(ctx: Context, id: string, values: Partial<AlertsTable>): Promise<void> {
  await tables(ctx).updateTable('alerts').set(values).where('id', '=', id).execute()
}

type AlertFilter = {
  model?: string | undefined
  state?: string | undefined
  before?: string | undefined
  limit: number
}

export async function listAlerts(ctx: Context, { model, state, before, limit }: AlertFilter): Promise<AlertsTable[]> {
  let query = tables(ctx).selectFrom('alerts').selectAll().orderBy('id', 'desc').limit(limit)
  if (model !== undefined) query = query.where('model', '=', model)
  if (state !== undefined) query = query.where('state', '=', state)
  if (before !== undefined) query = query.where('id', '<', before)
  return query.execute()
}

export async function alertsBetween(ctx: Context, model: string, from: string, to: string): Promise<AlertsTable[]> {
  return tables(ctx)
    .selectFrom('alerts')
    .selectAll()
    .where('model', '=', model)
    .where('fired_at', '>=', from)
    .where('fired_at', '<=', to)
    .orderBy('fired_at')
    .execute()
}

export async function findReference(
  ctx: Context,
  model: string,
  version: number,
): Promise<ReferencesTable | undefined> {
  return tables(ctx)
    .selectFrom('drift_references')
    .selectAll()
    .where('model', '=', model)
    .where('version', '=', version)
    .executeTakeFirst()
}

export async function insertReference(ctx: Context, row: ReferencesTable): Promise<void> {
  await tables(ctx)
    .insertInto('drift_references')
    .values(row)
    .onConflict((conflict) => conflict.columns(['model', 'version']).doNothing())
    .execute()
}
