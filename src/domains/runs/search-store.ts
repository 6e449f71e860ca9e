import { type RawBuilder, sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import { invalidInput } from '../../core/errors.ts'
import { all, type Comparison, compareText, comparison, type TextOperator } from '../../core/search-terms.ts'
import type { RunsTable } from './schema.ts'

/** One term of a search; all terms must hold. */
export type Condition =
  | { on: 'metric'; key: string; operator: Comparison; value: number }
  | { on: 'param' | 'tag'; key: string; operator: TextOperator; value: string | string[] }
  | { on: 'attribute'; key: TextAttribute; operator: TextOperator; value: string | string[] }
  | { on: 'time'; key: 'started_at' | 'ended_at'; operator: Comparison; value: number }
  | { on: 'dataset'; key: 'name' | 'digest' | 'context'; operator: TextOperator; value: string | string[] }

export type TextAttribute = 'id' | 'name' | 'status' | 'user_name' | 'location'

export type Order = {
  on: 'metric' | 'param' | 'tag' | 'attribute'
  key: string
  descending: boolean
}

export type RunQuery = {
  /** Undefined: of every experiment. */
  experiments: number[] | undefined
  view: 'active' | 'deleted' | 'all'
  conditions: Condition[]
  order: Order[]
  limit: number
  cursor?: string
}

type Fragment = RawBuilder<unknown>
type Found = { rows: RunsTable[]; next: string | undefined }

const attributes = new Set(['id', 'name', 'status', 'user_name', 'location', 'started_at', 'ended_at', 'experiment_id'])

export function searchRuns(ctx: Context, query: RunQuery): Promise<Found> {
  const [first] = query.order
  if (query.order.length === 0) return newestFirst(ctx, query)
  if (query.order.length === 1 && first?.on === 'metric' && query.experiments?.length === 1)
    return alongMetric(ctx, query, first)
  return sorted(ctx, query)
}

/** By the start, then the id; a page begins where the last one ended, so later pages cost what the first does. */
async function newestFirst(ctx: Context, query: RunQuery): Promise<Found> {
  const after = query.cursor === undefined ? undefined : startCursor(query.cursor)
  const where = [
    ...filters(query),
    ...(after ? [sql`(r.started_at < ${after.at} or (r.started_at = ${after.at} and r.id > ${after.id}))`] : []),
  ]
  const { rows } = await sql<RunsTable>`select r.* from runs r where ${all(where)}
    order by r.started_at desc, r.id limit ${query.limit + 1}`.execute(ctx.db)
  const shown = rows.slice(0, query.limit)
  const last = rows.length > query.limit ? shown.at(-1) : undefined
  return { rows: shown, next: last && `${last.started_at}~${last.id}` }
}

function startCursor(cursor: string): { at: number; id: string } {
  const [at, id] = cursor.split('~')
  if (id === undefined || !/^-?\d+$/.test(at ?? ''))
    throw invalidInput(`"${cursor}" is not a cursor.`, { name: 'cursor' })
  return { at: Number(at), id }
}

/** Ordered by one metric: follows its index, so that a page does not cost a sort of all runs. Runs without a number come last. */
async function alongMetric(ctx: Context, query: RunQuery, { key, descending }: Order): Promise<Found> {
  const [experiment] = query.experiments ?? []
  const offset = offsetOf(query.cursor)
  const wanted = query.limit + 1
  const direction = descending ? sql`desc` : sql`asc`
  const measured = sql`latest_metrics m join runs r on r.number = m.run
    where m.experiment_id = ${experiment} and m.key = ${key} and m.special <> 'nan' and ${all(filters(query))}`
  const { rows } = await sql<RunsTable>`select r.* from ${measured}
    order by m.value ${direction}, r.started_at desc, r.id limit ${wanted} offset ${offset}`.execute(ctx.db)
  if (rows.length < wanted) {
    const counted = await sql<{ n: number }>`select count(*) as n from ${measured}`.execute(ctx.db)
    const skipped = Math.max(offset - Number(counted.rows[0]?.n ?? 0), 0)
    const rest = await sql<RunsTable>`select r.* from runs r
      left join latest_metrics m on m.run = r.number and m.key = ${key}
      where (m.run is null or m.special = 'nan') and ${all(filters(query))}
      order by case when m.run is null then 1 else 0 end, r.started_at desc, r.id
      limit ${wanted - rows.length} offset ${skipped}`.execute(ctx.db)
    rows.push(...rest.rows)
  }
  return byOffset(rows, query, offset)
}

async function sorted(ctx: Context, query: RunQuery): Promise<Found> {
  const offset = offsetOf(query.cursor)
  const joins: Fragment[] = []
  const keys: Fragment[] = []
  for (const [index, order] of query.order.entries()) {
    const direction = order.descending ? sql`desc` : sql`asc`
    const alias = sql.raw(`o${index}`)
    if (order.on === 'attribute') {
      if (!attributes.has(order.key)) throw invalidInput(`Runs are not ordered by "${order.key}".`, { name: order.key })
      const column = sql`r.${sql.ref(order.key)}`
      keys.push(sql`case when ${column} is null then 1 else 0 end`, sql`${column} ${direction}`)
    } else if (order.on === 'metric') {
      joins.push(sql`left join latest_metrics ${alias} on ${alias}.run = r.number and ${alias}.key = ${order.key}`)
      keys.push(
        sql`case when ${alias}.run is null then 2 when ${alias}.special = 'nan' then 1 else 0 end`,
        sql`${alias}.value ${direction}`,
      )
    } else {
      const table = sql.raw(order.on === 'param' ? 'run_params' : 'run_tags')
      joins.push(sql`left join ${table} ${alias} on ${alias}.run = r.number and ${alias}.key = ${order.key}`)
      keys.push(sql`case when ${alias}.run is null then 1 else 0 end`, sql`${alias}.value ${direction}`)
    }
  }
  const { rows } = await sql<RunsTable>`select r.* from runs r ${sql.join(joins, sql` `)} where ${all(filters(query))}
    order by ${sql.join(keys)}, r.started_at desc, r.id limit ${query.limit + 1} offset ${offset}`.execute(ctx.db)
  return byOffset(rows, query, offset)
}

function offsetOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  if (!/^\d{1,15}$/.test(cursor)) throw invalidInput(`"${cursor}" is not a cursor.`, { name: 'cursor' })
  return Number(cursor)
}

function byOffset(rows: RunsTable[], { limit }: RunQuery, offset: number): Found {
  return { rows: rows.slice(0, limit), next: rows.length > limit ? String(offset + limit) : undefined }
}

function filters({ experiments, view, conditions }: RunQuery): Fragment[] {
  const where: Fragment[] = []
  if (experiments?.length === 1) where.push(sql`r.experiment_id = ${experiments[0]}`)
  else if (experiments && experiments.length > 1) where.push(sql`r.experiment_id in (${sql.join(experiments)})`)
  else if (experiments) where.push(sql`1 = 0`)
  if (view === 'active') where.push(sql`r.deleted = 0`)
  if (view === 'deleted') where.push(sql`r.deleted in (1, 2)`)
  return [...where, ...conditions.map(term)]
}

function term(condition: Condition): Fragment {
  switch (condition.on) {
    case 'metric':
      return sql`exists (select 1 from latest_metrics f where f.run = r.number and f.key = ${condition.key}
        and f.special <> 'nan' and f.value ${comparison(condition.operator)} ${condition.value})`
    case 'time':
      return sql`r.${sql.ref(condition.key)} ${comparison(condition.operator)} ${condition.value}`
    case 'attribute':
      return compareText(sql`r.${sql.ref(condition.key)}`, condition)
    case 'dataset':
      return datasetTerm(condition)
    default: {
      const table = sql.raw(condition.on === 'param' ? 'run_params' : 'run_tags')
      const rows = sql`select 1 from ${table} f where f.run = r.number and f.key = ${condition.key}`
      if (condition.operator === 'is null') return sql`not exists (${rows})`
      if (condition.operator === 'is not null') return sql`exists (${rows})`
      return sql`exists (${rows} and ${compareText(sql`f.value`, condition)})`
    }
  }
}

function datasetTerm(condition: Extract<Condition, { on: 'dataset' }>): Fragment {
  const columns = { name: sql`d.name`, digest: sql`d.digest`, context: sql`i.context` }
  return sql`exists (select 1 from run_inputs i join input_datasets d on d.id = i.ref
    where i.run = r.number and i.kind = 'dataset' and ${compareText(columns[condition.key], condition)})`
}
