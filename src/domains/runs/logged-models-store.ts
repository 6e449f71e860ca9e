import { type RawBuilder, sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import { all, type Comparison, compareText, comparison, type TextOperator } from '../../core/search-terms.ts'
import type { LoggedModelMetricsTable, LoggedModelsTable, RunsTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<RunsTables>()

export async function insertModel(ctx: Context, row: LoggedModelsTable): Promise<void> {
  await tables(ctx).insertInto('logged_models').values(row).execute()
}

export async function updateModel(ctx: Context, id: string, values: Partial<LoggedModelsTable>): Promise<void> {
  await tables(ctx)
    .updateTable('logged_models')
    .set({ ...values, id })
    .where('id', '=', id)
    .execute()
}

export async function findModel(ctx: Context, id: string): Promise<LoggedModelsTable | undefined> {
  return tables(ctx).selectFrom('logged_models').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function savePairs(
  ctx: Context,
  model: string,
  kind: 'param' | 'tag',
  pairs: { key: string; value: string }[],
): Promise<void> {
  for (const { key, value } of pairs) {
    await tables(ctx)
      .insertInto('logged_model_pairs')
      .values({ model, kind, key, value })
      .onConflict((conflict) => conflict.columns(['model', 'kind', 'key']).doUpdateSet({ value }))
      .execute()
  }
}

export async function removePair(ctx: Context, model: string, kind: 'param' | 'tag', key: string): Promise<void> {
  await tables(ctx)
    .deleteFrom('logged_model_pairs')
    .where('model', '=', model)
    .where('kind', '=', kind)
    .where('key', '=', key)
    .execute()
}

export async function pairs(ctx: Context, models: string[]) {
  if (models.length === 0) return []
  return tables(ctx).selectFrom('logged_model_pairs').selectAll().where('model', 'in', models).orderBy('key').execute()
}

export async function metrics(ctx: Context, models: string[]): Promise<LoggedModelMetricsTable[]> {
  if (models.length === 0) return []
  return tables(ctx)
    .selectFrom('logged_model_metrics')
    .selectAll()
    .where('model', 'in', models)
    .orderBy('key')
    .orderBy('step')
    .execute()
}

export type ModelCondition =
  | {
      on: 'text'
      column: 'id' | 'name' | 'status' | 'model_type' | 'source_run' | 'location'
      operator: TextOperator
      value: string | string[]
    }
  | { on: 'time'; column: 'created_at' | 'updated_at'; operator: Comparison; value: number }
  | { on: 'param' | 'tag'; key: string; operator: TextOperator; value: string | string[] }
  | { on: 'metric'; key: string; operator: Comparison; value: number }

export type ModelOrder = {
  on: 'column' | 'metric'
  key: string
  descending: boolean
}

export type ModelQuery = {
  experiments: number[]
  conditions: ModelCondition[]
  order: ModelOrder[]
  limit: number
  offset: number
}

export async function searchModels(ctx: Context, query: ModelQuery): Promise<LoggedModelsTable[]> {
  if (query.experiments.length === 0) return []
  const where = [
    sql`m.experiment_id in (${sql.join(query.experiments)})`,
    sql`m.deleted = 0`,
    ...query.conditions.map(term),
  ]
  const keys = query.order.flatMap(sortKeys)
  const { rows } = await sql<LoggedModelsTable>`select m.* from logged_models m where ${all(where)}
    order by ${sql.join([...keys, sql`m.created_at desc`, sql`m.id`])}
    limit ${query.limit} offset ${query.offset}`.execute(ctx.db)
  return rows
}

function sortKeys({ on, key, descending }: ModelOrder): RawBuilder<unknown>[] {
  const direction = descending ? sql`desc` : sql`asc`
  if (on === 'column') return [sql`m.${sql.ref(key)} ${direction}`]
  const latest = sql`(select x.value from logged_model_metrics x where x.model = m.id and x.key = ${key}
    order by x.step desc, x.at desc limit 1)`
  return [sql`case when ${latest} is null then 1 else 0 end`, sql`${latest} ${direction}`]
}

function term(condition: ModelCondition): RawBuilder<unknown> {
  switch (condition.on) {
    case 'text':
      return compareText(sql`m.${sql.ref(condition.column)}`, condition)
    case 'time':
      return sql`m.${sql.ref(condition.column)} ${comparison(condition.operator)} ${condition.value}`
    case 'metric':
      return sql`exists (select 1 from logged_model_metrics x where x.model = m.id and x.key = ${condition.key}
        and x.special <> 'nan' and x.value ${comparison(condition.operator)} ${condition.value})`
    default:
      return sql`exists (select 1 from logged_model_pairs x where x.model = m.id and x.kind = ${condition.on}
        and x.key = ${condition.key} and ${compareText(sql`x.value`, condition)})`
  }
}
