import { type RawBuilder, sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import { type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import { all, type Comparison, compareText, comparison, type TextOperator } from '../../core/search-terms.ts'
import type { ExampleSetsTable, ExamplesTable, TracesTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<TracesTables>()

type Json = Record<string, unknown>

/** The content of an example for one input. */
export type ExampleContent = {
  inputs: Json
  outputs?: unknown
  expectations?: Json
  tags?: Json
  source?: Json
}
const sets = recordsOf<ExampleSetsTable>()({ tags: trustedJson<Record<string, string>>() })
const examples = recordsOf<ExamplesTable>()({ content: trustedJson<ExampleContent>() })

export type ExampleSetRecord = Read<typeof sets>
export type ExampleRecord = Read<typeof examples>

export async function findSet(ctx: Context, id: string): Promise<ExampleSetRecord | undefined> {
  const row = await tables(ctx).selectFrom('example_sets').selectAll().where('id', '=', id).executeTakeFirst()
  return row && sets.read(row)
}

export async function saveSet(ctx: Context, set: ExampleSetRecord): Promise<void> {
  const row = sets.write(set)
  const { id, ...values } = row
  await tables(ctx)
    .insertInto('example_sets')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute()
}

export async function removeSet(ctx: Context, id: string): Promise<void> {
  await tables(ctx).deleteFrom('examples').where('example_set', '=', id).execute()
  await tables(ctx).deleteFrom('example_set_experiments').where('example_set', '=', id).execute()
  await tables(ctx).deleteFrom('example_sets').where('id', '=', id).execute()
}

export type SetCondition =
  | { on: 'name'; operator: TextOperator; value: string | string[] }
  | { on: 'time'; key: 'created_at' | 'updated_at'; operator: Comparison; value: number }
  | { on: 'tag'; key: string; operator: TextOperator; value: string | string[] }

export type SetQuery = {
  experiments: number[]
  conditions: SetCondition[]
  order: { column: 'name' | 'created_at' | 'updated_at'; descending: boolean }[]
  limit: number
  offset: number
}

/** Tags are one small JSON object for each set: terms about them look into its text. */
export async function searchSets(ctx: Context, query: SetQuery): Promise<{ rows: ExampleSetRecord[]; more: boolean }> {
  const terms: RawBuilder<unknown>[] = query.conditions.map((condition) => {
    if (condition.on === 'name') return compareText(sql`s.name`, condition)
    if (condition.on === 'time')
      return sql`${sql.ref(`s.${condition.key}`)} ${comparison(condition.operator)} ${condition.value}`
    const entry = `%${JSON.stringify(condition.key)}:${JSON.stringify(String(condition.value))}%`
    return condition.operator === '!=' ? sql`s.tags not like ${entry}` : sql`s.tags like ${entry}`
  })
  if (query.experiments.length > 0)
    terms.push(
      sql`exists (select 1 from example_set_experiments e where e.example_set = s.id and e.experiment_id in (${sql.join(query.experiments)}))`,
    )
  const order = [
    ...query.order.map(
      ({ column, descending }) => sql`${sql.ref(`s.${column}`)} ${sql.raw(descending ? 'desc' : 'asc')}`,
    ),
    sql`s.created_at desc`,
    sql`s.id`,
  ]
  const { rows } = await sql<ExampleSetsTable>`select s.* from example_sets s where ${all(terms)}
    order by ${sql.join(order)} limit ${query.limit + 1} offset ${query.offset}`.execute(ctx.db)
  return { rows: rows.slice(0, query.limit).map(sets.read), more: rows.length > query.limit }
}

export async function experimentsOf(ctx: Context, set: string): Promise<number[]> {
  const rows = await tables(ctx)
    .selectFrom('example_set_experiments')
    .select('experiment_id')
    .where('example_set', '=', set)
    .orderBy('experiment_id')
    .execute()
  return rows.map(({ experiment_id }) => Number(experiment_id))
}

export async function linkExperiments(ctx: Context, set: string, experiments: readonly number[]): Promise<void> {
  if (experiments.length === 0) return
  await tables(ctx)
    .insertInto('example_set_experiments')
    .values(experiments.map((experiment) => ({ example_set: set, experiment_id: experiment })))
    .onConflict((conflict) => conflict.columns(['example_set', 'experiment_id']).doNothing())
    .execute()
}

export async function unlinkExperiments(ctx: Context, set: string, experiments: readonly number[]): Promise<void> {
  if (experiments.length === 0) return
  await tables(ctx)
    .deleteFrom('example_set_experiments')
    .where('example_set', '=', set)
    .where('experiment_id', 'in', experiments)
    .execute()
}

export async function findExamples(ctx: Context, set: string, digests: readonly string[]): Promise<ExampleRecord[]> {
  const found: ExamplesTable[] = []
  for (let at = 0; at < digests.length; at += 500)
    found.push(
      ...(await tables(ctx)
        .selectFrom('examples')
        .selectAll()
        .where('example_set', '=', set)
        .where('input_digest', 'in', digests.slice(at, at + 500))
        .execute()),
    )
  return found.map(examples.read)
}

export async function saveExamples(ctx: Context, given: ExampleRecord[]): Promise<void> {
  const rows = given.map((example) => examples.write(example))
  for (let at = 0; at < rows.length; at += 500)
    await tables(ctx)
      .insertInto('examples')
      .values(rows.slice(at, at + 500))
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet({ content: sql`excluded.content`, updated_at: sql`excluded.updated_at` }),
      )
      .execute()
}

export async function listExamples(ctx: Context, set: string, after: string, limit: number): Promise<ExampleRecord[]> {
  const rows = await tables(ctx)
    .selectFrom('examples')
    .selectAll()
    .where('example_set', '=', set)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(examples.read)
}

export async function removeExamples(ctx: Context, set: string, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0
  const result = await tables(ctx)
    .deleteFrom('examples')
    .where('example_set', '=', set)
    .where('id', 'in', ids)
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

export async function countExamples(ctx: Context, set: string): Promise<number> {
  const row = await tables(ctx)
    .selectFrom('examples')
    .select(({ fn }) => fn.countAll().as('n'))
    .where('example_set', '=', set)
    .executeTakeFirst()
  return Number(row?.n ?? 0)
}
