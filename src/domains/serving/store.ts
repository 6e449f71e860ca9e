import type { Static } from 'typebox'
import type { Context } from '../../core/context.ts'
import { type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import type { Label } from '../evaluation/evaluation.ts'
import type { Routing } from './contract.ts'
import {
  counted,
  type LabelsTable,
  type RecordedTable,
  type RoutesTable,
  type SegmentsTable,
  type ServingTables,
  type SpendTable,
} from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<ServingTables>()

const routes = recordsOf<RoutesTable>()({ routing: trustedJson<Static<typeof Routing>>() })

type RouteRecord = Read<typeof routes>

const labels = recordsOf<LabelsTable>()({ content: trustedJson<Label>() })

export type LabelRecord = { endpoint: string; prediction: string; label: Label; known_at: string }

function labelOf(row: LabelsTable): LabelRecord {
  const { endpoint, prediction, value, content, known_at } = labels.read(row)
  return { endpoint, prediction, label: content ?? value, known_at }
}

function labelRow({ label, ...row }: LabelRecord): LabelsTable {
  const value = typeof label === 'number' ? label : 0
  return labels.write({ ...row, value, content: typeof label === 'number' ? null : label })
}

/** Rows per statement: both databases limit the number of bound values. */
const chunk = 1_000

export async function listRoutes(ctx: Context): Promise<RouteRecord[]> {
  const rows = await tables(ctx).selectFrom('serving_routes').selectAll().orderBy('endpoint').execute()
  return rows.map(routes.read)
}

export async function findRoute(ctx: Context, endpoint: string): Promise<RouteRecord | undefined> {
  const query = tables(ctx).selectFrom('serving_routes').selectAll().where('endpoint', '=', endpoint)
  const row = await query.executeTakeFirst()
  return row && routes.read(row)
}

export async function saveRoute(ctx: Context, route: RouteRecord): Promise<void> {
  const row = routes.write(route)
  await tables(ctx)
    .insertInto('serving_routes')
    .values(row)
    .onConflict((conflict) => conflict.column('endpoint').doUpdateSet({ revision: row.revision, routing: row.routing }))
    .execute()
}

export async function insertSegment(ctx: Context, row: SegmentsTable): Promise<void> {
  await tables(ctx).insertInto('prediction_segments').values(row).execute()
}

/** Not where one of the old ones is gone: then somebody else has merged it, and its rows are in that segment. */
export async function replaceSegments(ctx: Context, old: string[], merged: SegmentsTable): Promise<boolean> {
  const found = await tables(ctx).selectFrom('prediction_segments').select('id').where('id', 'in', old).execute()
  if (found.length < old.length) return false
  await tables(ctx).deleteFrom('prediction_segments').where('id', 'in', old).execute()
  await insertSegment(ctx, merged)
  return true
}

/** Segments with rows before a time that nobody has counted, oldest first. */
export async function uncountedSegments(
  ctx: Context,
  endpoint: string,
  before: string,
  limit: number,
): Promise<SegmentsTable[]> {
  return tables(ctx)
    .selectFrom('prediction_segments')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('counted_until', '<', before)
    .where('from_at', '<', before)
    .orderBy('counted_until')
    .orderBy('from_at')
    .limit(limit)
    .execute()
}

/** Of these segments, rows before a time are counted; `from` names those of which all rows before it were. */
export async function saveCounted(
  ctx: Context,
  { ids, from, until }: { ids: readonly string[]; from?: string; until: string },
): Promise<void> {
  for (let at = 0; at < ids.length; at += chunk) {
    const query = tables(ctx)
      .updateTable('prediction_segments')
      .set((eb) => ({
        counted_until: eb.case().when('to_at', '<', until).then(counted).else(until).end(),
      }))
      .where('id', 'in', ids.slice(at, at + chunk))
      .where('counted_until', '<', until)
    await (from === undefined
      ? query
      : query.where((eb) => eb.or([eb('from_at', '>=', from), eb('counted_until', '>=', from)]))
    ).execute()
  }
}

export type SegmentPlace = { from_at: string; id: string }

/** Those behind a place in the order in which they are looked through: newest first. One that was merged is not before its parts. */
export async function segmentsBehind(
  ctx: Context,
  endpoint: string,
  place: SegmentPlace | undefined,
  limit: number,
): Promise<SegmentsTable[]> {
  const query = tables(ctx)
    .selectFrom('prediction_segments')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .orderBy('from_at', 'desc')
    .orderBy('id')
    .limit(limit)
  if (place === undefined) return query.execute()
  return query
    .where((eb) =>
      eb.or([eb('from_at', '<', place.from_at), eb.and([eb('from_at', '=', place.from_at), eb('id', '>', place.id)])]),
    )
    .execute()
}

export async function segmentsBetween(
  ctx: Context,
  endpoint: string,
  from: string,
  to: string | undefined,
): Promise<SegmentsTable[]> {
  const query = tables(ctx)
    .selectFrom('prediction_segments')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('to_at', '>=', from)
    .orderBy('from_at')
  return (to === undefined ? query : query.where('from_at', '<', to)).execute()
}

/** Those with fewer rows than this, oldest first. */
export async function segmentsBelow(ctx: Context, endpoint: string, rows: number): Promise<SegmentsTable[]> {
  return tables(ctx)
    .selectFrom('prediction_segments')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('row_count', '<', rows)
    .orderBy('from_at')
    .execute()
}

export async function allSegments(ctx: Context): Promise<SegmentsTable[]> {
  return tables(ctx).selectFrom('prediction_segments').selectAll().orderBy('from_at', 'desc').execute()
}

/** Which of these predictions were recorded before. */
export async function recordedOf(ctx: Context, endpoint: string, predictions: string[]): Promise<string[]> {
  const found: string[] = []
  for (let at = 0; at < predictions.length; at += chunk) {
    const rows = await tables(ctx)
      .selectFrom('recorded_predictions')
      .select('prediction')
      .where('endpoint', '=', endpoint)
      .where('prediction', 'in', predictions.slice(at, at + chunk))
      .execute()
    found.push(...rows.map(({ prediction }) => prediction))
  }
  return found
}

/** Returns how many of them were not there yet. */
export async function addRecorded(ctx: Context, rows: RecordedTable[]): Promise<number> {
  let added = 0
  for (let at = 0; at < rows.length; at += chunk) {
    const results = await tables(ctx)
      .insertInto('recorded_predictions')
      .values(rows.slice(at, at + chunk))
      .onConflict((conflict) => conflict.columns(['endpoint', 'prediction']).doNothing())
      .execute()
    for (const { numInsertedOrUpdatedRows } of results) added += Number(numInsertedOrUpdatedRows ?? 0)
  }
  return added
}

export async function hasRecorded(ctx: Context, endpoint: string): Promise<boolean> {
  const query = tables(ctx).selectFrom('recorded_predictions').select('prediction').where('endpoint', '=', endpoint)
  return (await query.limit(1).executeTakeFirst()) !== undefined
}

/** A later label of the same prediction corrects the earlier one. */
export async function saveLabels(ctx: Context, rows: LabelRecord[]): Promise<void> {
  for (let at = 0; at < rows.length; at += chunk) {
    await tables(ctx)
      .insertInto('labels')
      .values(rows.slice(at, at + chunk).map(labelRow))
      .onConflict((conflict) =>
        conflict.columns(['endpoint', 'prediction']).doUpdateSet((eb) => ({
          value: eb.ref('excluded.value'),
          content: eb.ref('excluded.content'),
          known_at: eb.ref('excluded.known_at'),
        })),
      )
      .execute()
  }
}

/** How many of these predictions have a label. */
export async function countLabels(ctx: Context, endpoint: string, predictions: string[]): Promise<number> {
  let found = 0
  for (let at = 0; at < predictions.length; at += chunk) {
    const row = await tables(ctx)
      .selectFrom('labels')
      .select((eb) => eb.fn.countAll().as('found'))
      .where('endpoint', '=', endpoint)
      .where('prediction', 'in', predictions.slice(at, at + chunk))
      .executeTakeFirst()
    found += Number(row?.found ?? 0)
  }
  return found
}

/** A label is hardly ever known before its prediction, so labels known since a time cover the predictions made since then. */
export async function labelsSince(ctx: Context, endpoint: string, from: string): Promise<LabelRecord[]> {
  const query = tables(ctx).selectFrom('labels').selectAll().where('endpoint', '=', endpoint)
  return (await query.where('known_at', '>=', from).execute()).map(labelOf)
}

type Page = { after: { known_at: string; prediction: string }; to: string; limit: number }

/** Labels that became known before `to`, from a place in that order on. */
export async function labelsBetween(
  ctx: Context,
  endpoint: string,
  { after, to, limit }: Page,
): Promise<{ known_at: string; prediction: string }[]> {
  return tables(ctx)
    .selectFrom('labels')
    .select(['known_at', 'prediction'])
    .where('endpoint', '=', endpoint)
    .where('known_at', '<', to)
    .where((eb) =>
      eb.or([
        eb('known_at', '>', after.known_at),
        eb.and([eb('known_at', '=', after.known_at), eb('prediction', '>', after.prediction)]),
      ]),
    )
    .where('known_at', '>=', after.known_at)
    .orderBy('known_at')
    .orderBy('prediction')
    .limit(limit)
    .execute()
}

export async function labelsOf(ctx: Context, endpoint: string, predictions: string[]): Promise<LabelRecord[]> {
  const found: LabelRecord[] = []
  for (let at = 0; at < predictions.length; at += chunk) {
    const rows = await tables(ctx)
      .selectFrom('labels')
      .selectAll()
      .where('endpoint', '=', endpoint)
      .where('prediction', 'in', predictions.slice(at, at + chunk))
      .execute()
    found.push(...rows.map(labelOf))
  }
  return found
}

export async function findLabel(ctx: Context, endpoint: string, prediction: string): Promise<LabelRecord | undefined> {
  const query = tables(ctx).selectFrom('labels').selectAll().where('endpoint', '=', endpoint)
  const row = await query.where('prediction', '=', prediction).executeTakeFirst()
  return row && labelOf(row)
}

/** Of a day (UTC, yyyy-mm-dd); nothing was taken yet where there is no row. */
export async function findSpend(ctx: Context, endpoint: string, day: string): Promise<SpendTable> {
  const row = await tables(ctx)
    .selectFrom('serving_spend')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('day', '=', day)
    .executeTakeFirst()
  return row ?? { endpoint, day, taken: 0, spent: 0 }
}

export async function saveSpend(ctx: Context, row: SpendTable): Promise<void> {
  const { taken, spent } = row
  await tables(ctx)
    .insertInto('serving_spend')
    .values(row)
    .onConflict((conflict) => conflict.columns(['endpoint', 'day']).doUpdateSet({ taken, spent }))
    .execute()
}
