import type { Static } from 'typebox'
import type { Context } from '../../core/context.ts'
import type { Estimate, Input } from '../../core/contract.ts'
import { type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import type { Sketch } from '../../core/stats/sketch.ts'
import type { monitoring, Signal, Window } from './contract.ts'
import type { BaselineProfile } from './rules.ts'
import type {
  AlertsTable,
  MonitoringTables,
  OpenWindowsTable,
  ReferencesTable,
  SilencesTable,
  SinksTable,
  SketchesTable,
  SourceWatchesTable,
  WindowsTable,
} from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<MonitoringTables>()

/** A window, and what only the alert rules read: the names of the signals it shows, and those it could not judge. */
type WindowContent = Static<typeof Window> & { found?: string[]; silent?: Signal[] }

/** Counts that are not zero, without the bins: those are stored with the reference. */
export type PackedSketch = { counts: [number, number][]; numbers: Sketch['numbers'] }

/** The profile of a source's first rows by column, and how many rows it usually gets. */
export type SourceWatch = {
  columns: Record<string, { sketch: Sketch; identity: boolean }>
  /** Rows a day, and milliseconds between checks with new rows; newest first. */
  rates: number[]
  gaps: number[]
  lookedAt: string
}

/** Windows of earlier versions lack what newer ones hold, and whoever shows them completes them; sketches are many. */
const windows = recordsOf<WindowsTable>()({ content: trustedJson<WindowContent>() })
const alerts = recordsOf<AlertsTable>()({
  value: trustedJson<Estimate>(),
  labels: trustedJson<Record<string, string>>(),
})
const references = recordsOf<ReferencesTable>()({ content: trustedJson<BaselineProfile>() })
const sketches = recordsOf<SketchesTable>()({ content: trustedJson<PackedSketch>() })
const sinks = recordsOf<SinksTable>()({
  definition: trustedJson<Input<(typeof monitoring)['setSinks']>['sinks'][number]>(),
})
const watches = recordsOf<SourceWatchesTable>()({ content: trustedJson<SourceWatch>() })

export type WindowRecord = Read<typeof windows>
export type AlertRecord = Read<typeof alerts>
type ReferenceRecord = Read<typeof references>
export type SketchRecord = Read<typeof sketches>
export type SinkRecord = Read<typeof sinks>
type SourceWatchRecord = Read<typeof watches>

export async function saveWindow(ctx: Context, given: WindowRecord): Promise<void> {
  const row = windows.write(given)
  await tables(ctx)
    .insertInto('windows')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['model', 'from_at']).doUpdateSet({ to_at: row.to_at, content: row.content }),
    )
    .execute()
}

/** Those whose time has come, oldest first; `limit` keeps the newest. */
export async function listWindows(
  ctx: Context,
  model: string,
  from: string,
  to: string | undefined,
  limit: number,
): Promise<WindowRecord[]> {
  const query = tables(ctx)
    .selectFrom('windows')
    .selectAll()
    .where('model', '=', model)
    .where('from_at', '>=', from)
    .where('to_at', '<=', ctx.now().toISOString())
    .orderBy('from_at', 'desc')
    .limit(limit)
  const rows = await (to === undefined ? query : query.where('from_at', '<', to)).execute()
  return rows.reverse().map(windows.read)
}

export async function findWindow(ctx: Context, model: string, from: string): Promise<WindowRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('windows')
    .selectAll()
    .where('model', '=', model)
    .where('from_at', '=', from)
    .executeTakeFirst()
  return row && windows.read(row)
}

/** The newest of those whose time has come. */
export async function latestWindow(ctx: Context, model: string): Promise<WindowRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('windows')
    .selectAll()
    .where('model', '=', model)
    .where('to_at', '<=', ctx.now().toISOString())
    .orderBy('to_at', 'desc')
    .orderBy('from_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && windows.read(row)
}

/** Windows that end after a time, oldest first. */
export async function windowsAfter(ctx: Context, model: string, after: string, limit: number): Promise<WindowRecord[]> {
  const rows = await tables(ctx)
    .selectFrom('windows')
    .selectAll()
    .where('model', '=', model)
    .where('to_at', '>', after)
    .orderBy('to_at')
    .limit(limit)
    .execute()
  return rows.map(windows.read)
}

export async function findOpenWindow(ctx: Context, model: string): Promise<OpenWindowsTable | undefined> {
  return tables(ctx).selectFrom('open_windows').selectAll().where('model', '=', model).executeTakeFirst()
}

export async function saveOpenWindow(ctx: Context, row: OpenWindowsTable): Promise<void> {
  await tables(ctx)
    .insertInto('open_windows')
    .values(row)
    .onConflict((conflict) => conflict.column('model').doUpdateSet({ from_at: row.from_at, to_at: row.to_at }))
    .execute()
}

export async function findAlert(ctx: Context, id: string): Promise<AlertRecord | undefined> {
  const row = await tables(ctx).selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst()
  return row && alerts.read(row)
}

/** Firing alerts of one thing, whatever they are about. */
export async function firingOf(ctx: Context, signal: string, subject: string): Promise<AlertRecord[]> {
  const query = tables(ctx)
    .selectFrom('alerts')
    .selectAll()
    .where('signal', '=', signal)
    .where('subject', '=', subject)
    .where('state', '=', 'firing')
  return (await query.execute()).map(alerts.read)
}

export async function firingAlert(
  ctx: Context,
  model: string,
  signal: string,
  subject: string,
): Promise<AlertRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('alerts')
    .selectAll()
    .where('model', '=', model)
    .where('signal', '=', signal)
    .where('subject', '=', subject)
    .where('state', '=', 'firing')
    .executeTakeFirst()
  return row && alerts.read(row)
}

export async function insertAlert(ctx: Context, given: AlertRecord): Promise<void> {
  const row = alerts.write(given)
  await tables(ctx).insertInto('alerts').values(row).execute()
}

export async function updateAlert(ctx: Context, id: string, values: Partial<AlertRecord>): Promise<void> {
  await tables(ctx).updateTable('alerts').set(alerts.write(values)).where('id', '=', id).execute()
}

type AlertFilter = {
  model?: string | undefined
  state?: AlertRecord['state'] | undefined
  before?: string | undefined
  limit: number
}

export async function listAlerts(ctx: Context, { model, state, before, limit }: AlertFilter): Promise<AlertRecord[]> {
  let query = tables(ctx).selectFrom('alerts').selectAll().orderBy('id', 'desc').limit(limit)
  if (model !== undefined) query = query.where('model', '=', model)
  if (state !== undefined) query = query.where('state', '=', state)
  if (before !== undefined) query = query.where('id', '<', before)
  const rows = await query.execute()
  return rows.map(alerts.read)
}

export async function alertsBetween(ctx: Context, model: string, from: string, to: string): Promise<AlertRecord[]> {
  const rows = await tables(ctx)
    .selectFrom('alerts')
    .selectAll()
    .where('model', '=', model)
    .where('fired_at', '>=', from)
    .where('fired_at', '<=', to)
    .orderBy('fired_at')
    .execute()
  return rows.map(alerts.read)
}

export async function findReference(
  ctx: Context,
  model: string,
  version: number,
): Promise<ReferenceRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('drift_references')
    .selectAll()
    .where('model', '=', model)
    .where('version', '=', version)
    .executeTakeFirst()
  return row && references.read(row)
}

export async function insertReference(ctx: Context, given: ReferenceRecord): Promise<void> {
  const row = references.write(given)
  await tables(ctx)
    .insertInto('drift_references')
    .values(row)
    .onConflict((conflict) => conflict.columns(['model', 'version']).doNothing())
    .execute()
}

/** Rows per statement: both databases limit the number of bound values. */
const chunk = 500

export async function saveSketches(ctx: Context, given: SketchRecord[]): Promise<void> {
  const rows = given.map((one) => sketches.write(one))
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

export async function listSketches(ctx: Context, filter: SketchFilter): Promise<SketchRecord[]> {
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
  const rows = await query.execute()
  return rows.map(sketches.read)
}

/** Windows before a time, or all, newest first. */
export async function windowsBefore(
  ctx: Context,
  model: string,
  before: string | undefined,
  limit: number,
): Promise<WindowRecord[]> {
  const query = tables(ctx)
    .selectFrom('windows')
    .selectAll()
    .where('model', '=', model)
    .orderBy('from_at', 'desc')
    .limit(limit)
  const rows = await (before === undefined ? query : query.where('from_at', '<', before)).execute()
  return rows.map(windows.read)
}

/** The newest alerts of a signal that somebody judged. */
export async function judgedAlerts(ctx: Context, model: string, signal: string, limit: number): Promise<AlertRecord[]> {
  const rows = await tables(ctx)
    .selectFrom('alerts')
    .selectAll()
    .where('model', '=', model)
    .where('signal', '=', signal)
    .where('verdict', 'in', ['real', 'noise'])
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(alerts.read)
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

export async function replaceSinks(ctx: Context, given: SinkRecord[]): Promise<void> {
  const rows = given.map((one) => sinks.write(one))
  await tables(ctx).deleteFrom('alert_sinks').execute()
  for (const row of rows) await tables(ctx).insertInto('alert_sinks').values(row).execute()
}

export async function listSinks(ctx: Context): Promise<SinkRecord[]> {
  const rows = await tables(ctx).selectFrom('alert_sinks').selectAll().orderBy('name').execute()
  return rows.map(sinks.read)
}

export async function findSourceWatch(ctx: Context, source: string): Promise<SourceWatchRecord | undefined> {
  const row = await tables(ctx).selectFrom('source_watches').selectAll().where('source', '=', source).executeTakeFirst()
  return row && watches.read(row)
}

export async function saveSourceWatch(ctx: Context, given: SourceWatchRecord): Promise<void> {
  const row = watches.write(given)
  await tables(ctx)
    .insertInto('source_watches')
    .values(row)
    .onConflict((conflict) => conflict.column('source').doUpdateSet({ upto_seq: row.upto_seq, content: row.content }))
    .execute()
}
