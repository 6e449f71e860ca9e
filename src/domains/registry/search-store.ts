import { type RawBuilder, sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import { all, type Comparison, compareText, comparison, type TextOperator } from '../../core/search-terms.ts'
import type { ModelsTable, VersionsTable } from './schema.ts'
import { type VersionRecord, versions } from './store.ts'

export type ModelCondition =
  | { on: 'name'; operator: TextOperator; value: string | string[] }
  | { on: 'tag'; key: string; operator: TextOperator; value: string | string[] }

export type VersionCondition =
  | { on: 'model' | 'run_id' | 'uri' | 'stage'; operator: TextOperator; value: string | string[] }
  | { on: 'version'; operator: Comparison; value: number }
  | { on: 'tag'; key: string; operator: TextOperator; value: string | string[] }

type Paging = { limit: number; offset: number }

export type ModelQuery = Paging & {
  kind: 'model' | 'prompt'
  conditions: ModelCondition[]
  order: { column: 'name' | 'created_at' | 'updated_at'; descending: boolean }[]
}

export type VersionQuery = Paging & {
  kind: 'model' | 'prompt'
  conditions: VersionCondition[]
  order: { column: 'model' | 'version' | 'created_at' | 'updated_at'; descending: boolean }[]
}

export async function searchModels(ctx: Context, query: ModelQuery): Promise<ModelsTable[]> {
  const terms = query.conditions.map((condition) =>
    condition.on === 'name'
      ? compareText(sql`m.name`, condition)
      : sql`exists (select 1 from model_tags t where t.model = m.name and t.key = ${condition.key}
          and ${compareText(sql`t.value`, condition)})`,
  )
  const { rows } = await sql<ModelsTable>`select m.* from models m where ${all([sql`m.kind = ${query.kind}`, ...terms])}
    order by ${sql.join([...keys('m', query.order), sql`m.name`])} limit ${query.limit} offset ${query.offset}`.execute(
    ctx.db,
  )
  return rows
}

export async function searchVersions(ctx: Context, query: VersionQuery): Promise<VersionRecord[]> {
  const terms = query.conditions.map((condition) => {
    if (condition.on === 'version') return sql`v.version ${comparison(condition.operator)} ${condition.value}`
    if (condition.on !== 'tag') return compareText(sql`v.${sql.ref(condition.on)}`, condition)
    return sql`exists (select 1 from version_tags t where t.model = v.model and t.version = v.version
      and t.key = ${condition.key} and ${compareText(sql`t.value`, condition)})`
  })
  const { rows } = await sql<VersionsTable>`select v.* from versions v join models m on m.name = v.model
    where ${all([sql`m.kind = ${query.kind}`, ...terms])}
    order by ${sql.join([...keys('v', query.order), sql`v.updated_at desc`, sql`v.model`, sql`v.version desc`])}
    limit ${query.limit} offset ${query.offset}`.execute(ctx.db)
  return rows.map(versions.read)
}

function keys(alias: string, order: { column: string; descending: boolean }[]): RawBuilder<unknown>[] {
  return order.map(
    ({ column, descending }) => sql`${sql.ref(`${alias}.${column}`)} ${descending ? sql`desc` : sql`asc`}`,
  )
}
