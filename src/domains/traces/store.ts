import { sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import { flag, type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import type { AssessmentsTable, SpansTable, TracesTable, TracesTables, TraceValuesTable } from './schema.ts'
import type { Span } from './spans.ts'

const tables = (ctx: Context) => ctx.db.withTables<TracesTables>()

/** What an assessment holds beside its columns. */
type AssessmentContent = {
  value: unknown
  error: { code: string; message: string; stack: string } | null
  source: { type: string; id: string }
  rationale: string | null
  metadata: Record<string, string>
  overrides: string | null
}
const assessments = recordsOf<AssessmentsTable>()({ content: trustedJson<AssessmentContent>(), valid: flag })

/** Whole spans, thousands at a time: they were read from the wire when they came. */
const spans = recordsOf<SpansTable>()({ content: trustedJson<Span>() })

export type AssessmentRecord = Read<typeof assessments>
export type SpanRecord = Read<typeof spans>

export function findTrace(ctx: Context, id: string): Promise<TracesTable | undefined> {
  return tables(ctx).selectFrom('traces').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function findTraces(ctx: Context, ids: readonly string[]): Promise<TracesTable[]> {
  if (ids.length === 0) return []
  return tables(ctx).selectFrom('traces').selectAll().where('id', 'in', ids).execute()
}

export async function saveTrace(ctx: Context, row: TracesTable): Promise<void> {
  const { id, ...values } = row
  await tables(ctx)
    .insertInto('traces')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
}

export async function saveValues(ctx: Context, rows: TraceValuesTable[]): Promise<void> {
  if (rows.length === 0) return
  await tables(ctx)
    .insertInto('trace_values')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['trace', 'kind', 'key']).doUpdateSet({ value: sql`excluded.value` }))
    .execute()
}

export async function removeValue(ctx: Context, trace: string, kind: string, key: string): Promise<boolean> {
  const result = await tables(ctx)
    .deleteFrom('trace_values')
    .where('trace', '=', trace)
    .where('kind', '=', kind as 'tag')
    .where('key', '=', key)
    .executeTakeFirst()
  return Number(result.numDeletedRows) > 0
}

export async function valuesOf(ctx: Context, traces: readonly string[]): Promise<TraceValuesTable[]> {
  if (traces.length === 0) return []
  return tables(ctx).selectFrom('trace_values').selectAll().where('trace', 'in', traces).orderBy('key').execute()
}

const rowsAtOnce = 500

export async function saveSpans(ctx: Context, rows: SpanRecord[]): Promise<void> {
  for (let at = 0; at < rows.length; at += rowsAtOnce) {
    await tables(ctx)
      .insertInto('trace_spans')
      .values(rows.slice(at, at + rowsAtOnce).map((row) => spans.write(row)))
      .onConflict((conflict) =>
        conflict.columns(['trace', 'span']).doUpdateSet({
          parent: sql`excluded.parent`,
          name: sql`excluded.name`,
          type: sql`excluded.type`,
          status: sql`excluded.status`,
          start_ms: sql`excluded.start_ms`,
          end_ms: sql`excluded.end_ms`,
          content: sql`excluded.content`,
        }),
      )
      .execute()
  }
}

export async function spansOf(ctx: Context, traces: readonly string[]): Promise<SpanRecord[]> {
  if (traces.length === 0) return []
  const rows = await tables(ctx)
    .selectFrom('trace_spans')
    .selectAll()
    .where('trace', 'in', traces)
    .orderBy('start_ms')
    .orderBy('span')
    .execute()
  return rows.map(spans.read)
}

export async function assessmentsOf(ctx: Context, traces: readonly string[]): Promise<AssessmentRecord[]> {
  if (traces.length === 0) return []
  const rows = await tables(ctx)
    .selectFrom('trace_assessments')
    .selectAll()
    .where('trace', 'in', traces)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(assessments.read)
}

export async function findAssessment(ctx: Context, trace: string, id: string): Promise<AssessmentRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('trace_assessments')
    .selectAll()
    .where('trace', '=', trace)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && assessments.read(row)
}

export async function saveAssessment(ctx: Context, assessment: AssessmentRecord): Promise<void> {
  const row = assessments.write(assessment)
  const { id, ...values } = row
  await tables(ctx)
    .insertInto('trace_assessments')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
}

export async function removeAssessment(ctx: Context, id: string): Promise<void> {
  await tables(ctx).deleteFrom('trace_assessments').where('id', '=', id).execute()
}

export async function linkRun(ctx: Context, rows: { trace: string; run: string }[]): Promise<void> {
  if (rows.length === 0) return
  await tables(ctx)
    .insertInto('trace_runs')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['trace', 'run']).doNothing())
    .execute()
}

type Deletion = { experiment: number; ids?: readonly string[]; until?: number | undefined; most?: number | undefined }

/** The traces of an experiment that a deletion names: by id, or the oldest up to a time. */
export async function tracesToDelete(ctx: Context, { experiment, ids, until, most }: Deletion): Promise<string[]> {
  let query = tables(ctx).selectFrom('traces').select('id').where('experiment_id', '=', experiment)
  if (ids) query = query.where('id', 'in', ids)
  if (until !== undefined) query = query.where('at', '<=', until)
  query = query.orderBy('at').orderBy('id')
  if (most !== undefined) query = query.limit(most)
  return (await query.execute()).map(({ id }) => id)
}

export async function removeTraces(ctx: Context, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += rowsAtOnce) {
    const some = ids.slice(at, at + rowsAtOnce)
    for (const table of ['trace_values', 'trace_spans', 'trace_runs', 'trace_assessments'] as const)
      await tables(ctx).deleteFrom(table).where('trace', 'in', some).execute()
    await tables(ctx).deleteFrom('traces').where('id', 'in', some).execute()
  }
}
