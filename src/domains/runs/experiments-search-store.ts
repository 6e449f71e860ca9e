import { type RawBuilder, sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import { all, type Comparison, compareText, comparison, type TextOperator } from '../../core/search-terms.ts'
import { type ExperimentRecord, toExperimentRecords } from './experiments.ts'
import type { ExperimentsTable } from './schema.ts'

type Condition =
  | { on: 'name'; operator: TextOperator; value: string | string[] }
  | { on: 'tag'; key: string; operator: TextOperator; value: string | string[] }
  | { on: 'time'; column: 'created_at' | 'updated_at'; operator: Comparison; value: number }

type Query = {
  view: 'active' | 'deleted' | 'all'
  conditions: Condition[]
  order: { column: 'name' | 'id' | 'created_at' | 'updated_at'; descending: boolean }[]
  limit: number
  offset: number
}

export async function searchExperiments(
  ctx: Context,
  { view, conditions, order, limit, offset }: Query,
): Promise<{ experiments: ExperimentRecord[]; more: boolean }> {
  const shown = view === 'all' ? [] : [sql`e.deleted = ${view === 'deleted' ? 1 : 0}`]
  const wanted = order.length === 0 ? [{ column: 'created_at' as const, descending: true }] : order
  const keys = wanted.map(({ column, descending }) => sql`e.${sql.ref(column)} ${descending ? sql`desc` : sql`asc`}`)
  const { rows } = await sql<ExperimentsTable>`select e.* from experiments e
    where ${all([...shown, ...conditions.map(term)])} order by ${sql.join([...keys, sql`e.id`])}
    limit ${limit + 1} offset ${offset}`.execute(ctx.db)
  return { experiments: await toExperimentRecords(ctx, rows.slice(0, limit)), more: rows.length > limit }
}

function term(condition: Condition): RawBuilder<unknown> {
  if (condition.on === 'name') return compareText(sql`e.name`, condition)
  if (condition.on === 'time')
    return sql`e.${sql.ref(condition.column)} ${comparison(condition.operator)} ${condition.value}`
  const rows = sql`select 1 from experiment_tags t where t.experiment_id = e.id and t.key = ${condition.key}`
  if (condition.operator === 'is null') return sql`not exists (${rows})`
  if (condition.operator === 'is not null') return sql`exists (${rows})`
  return sql`exists (${rows} and ${compareText(sql`t.value`, condition)})`
}
