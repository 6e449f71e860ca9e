import type { Context } from '../../core/context.ts'
import type {
  AlertsTable,
  MonitoringTables,
  ReferencesTable,
  SilencesTable,
  SinksTable,
  SketchesTable,
  SourceWatchesTable,
  WindowsTable,
} from './schema.ts'

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

/** Oldest first; `limit` keeps the newest. */
export async function listWindows(
  ctx: Context,
  model: string,
  from: string,
  to: string | undefined,
  limit: number,
): Promise<WindowsTable[]> {
  const query = tables(ctx)
    .selectFrom('windows')
    .selectAll()
    .where('model', '=', model)
    .where('from_at', '>=', from)
    .orderBy('from_at', 'desc')
    .limit(limit)
  const rows = await (to === undefined ? query : query.where('from_at', '<', to)).execute()
  return rows.reverse()
}

export async function findWindow(ctx: Context, model: string, from: string): Promise<WindowsTable | undefined> {
  return tables(ctx)
    .selectFrom('windows')
    .selectAll()
    .where('model', '=', model)
    .where('from_at', '=', from)
    .executeTakeFirst()
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
  state?: AlertsTable['state'] | undefined
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

/** Rows per statement: both databases limit the number of bound values. */
const chunk = 500

export async function saveSketches(ctx: Context, rows: SketchesTable[]): Promise<void> {
  for (let at = 0; at < rows.length; at += chunk) {
    await tables(ctx)
      .insertInto('sketches')
      .values(rows.slice(at, at + chunk))
      .onConflict((conflict) =>
        conflict.columns(['scope', 'column_name', 'hour']).doUpdateSet((eb) => ({
          reference: eb.ref('excluded.reference'),
          value_count: eb.ref('excluded.value_count'),
          content: eb.ref('excluded.content'),
        })),
      )
      .execute()
  }
}

type SketchFilter = {
  scope: string
  from: string
  to?: string | undefined
  column?: string | undefined
  limit?: number | undefined
}

export async function listSketches(ctx: Context, filter: SketchFilter): Promise<SketchesTable[]> {
  let query = tables(ctx)
    .selectFrom('sketches')
    .selectAll()
    .where('scope', '=', filter.scope)
    .where('hour', '>=', filter.from)
    .orderBy('hour')
    .orderBy('column_name')
  if (filter.to !== undefined) query = query.where('hour', '<', filter.to)
  if (filter.column !== undefined) query = query.where('column_name', '=', filter.column)
  if (filter.limit !== undefined) query = query.limit(filter.limit)
  return query.execute()
}

/** Windows before a time, or all, newest first. */
export async function windowsBefore(
  ctx: Context,
  model: string,
  before: string | undefined,
  limit: number,
): Promise<WindowsTable[]> {
  const query = tables(ctx)
    .selectFrom('windows')
    .selectAll()
    .where('model', '=', model)
    .orderBy('from_at', 'desc')
    .limit(limit)
  return (before === undefined ? query : query.where('from_at', '<', before)).execute()
}

/** The newest alerts of a signal that somebody judged. */
export async function judgedAlerts(ctx: Context, model: string, signal: string, limit: number): Promise<AlertsTable[]> {
  return tables(ctx)
    .selectFrom('alerts')
    .selectAll()
    .where('model', '=', model)
    .where('signal', '=', signal)
    .where('verdict', 'in', ['real', 'noise'])
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

export async function insertSilence(ctx: Context, row: SilencesTable): Promise<void> {
  await tables(ctx).insertInto('silences').values(row).execute()
}

export async function listSilences(ctx: Context, before: string | undefined, limit: number): Promise<SilencesTable[]> {
  let query = tables(ctx).selectFrom('silences').selectAll().orderBy('id', 'desc').limit(limit)
  if (before !== undefined) query = query.where('id', '<', before)
  return query.execute()
}

export async function silencesAt(ctx: Context, at: string): Promise<SilencesTable[]> {
  return tables(ctx).selectFrom('silences').selectAll().where('from_at', '<=', at).where('to_at', '>', at).execute()
}

export async function updateSilence(ctx: Context, id: string, values: Partial<SilencesTable>): Promise<bigint> {
  const { numUpdatedRows } = await tables(ctx)
    .updateTable('silences')
    .set(values)
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows
}

export async function replaceSinks(ctx: Context, rows: SinksTable[]): Promise<void> {
  await tables(ctx).deleteFrom('alert_sinks').execute()
  for (const row of rows) await tables(ctx).insertInto('alert_sinks').values(row).execute()
}

export async function listSinks(ctx: Context): Promise<SinksTable[]> {
  return tables(ctx).selectFrom('alert_sinks').selectAll().orderBy('name').execute()
}

export async function findSourceWatch(ctx: Context, source: string): Promise<SourceWatchesTable | undefined> {
  return tables(ctx).selectFrom('source_watches').selectAll().where('source', '=', source).executeTakeFirst()
}

export async function saveSourceWatch(ctx: Context, row: SourceWatchesTable): Promise<void> {
  await tables(ctx)
    .insertInto('source_watches')
    .values(row)
    .onConflict((conflict) => conflict.column('source').doUpdateSet({ upto_seq: row.upto_seq, content: row.content }))
    .execute()
}
