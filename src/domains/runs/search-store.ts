import { type RawBuilder, sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import { invalidInput } from '../../core/errors.ts'
import { cursorNumber, invalidCursor } from '../../core/paging.ts'
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
type RunPage = { rows: RunsTable[]; next: string | undefined }

const attributes = new Set(['id', 'name', 'status', 'user_name', 'location', 'started_at', 'ended_at', 'experiment_id'])

export async function searchRuns(ctx: Context, query: RunQuery): Promise<RunPage> {
  const [first] = query.order
  // Later pages keep the first page's method, even when more runs have arrived since.
  const counted = /^\d+$/.test(query.cursor ?? '0')
  const among = counted ? await candidates(ctx, query) : undefined
  if (among || (query.cursor !== undefined && counted)) return sorted(ctx, query, among)
  if (query.order.length === 0 || (query.order.length === 1 && isNewest(first))) return newestFirst(ctx, query)
  if (query.order.length === 1 && first?.on === 'metric' && query.experiments?.length === 1)
    return alongMetric(ctx, query, first)
  return sorted(ctx, query)
}

function isNewest(order: Order | undefined): boolean {
  return order?.on === 'attribute' && order.key === 'started_at' && order.descending
}

const fewCandidates = 2_000
const parentTag = 'mlflow.parentRunId'

/**
 * The runs that match one term, if an index shows that they are few: sorting these is faster than following the order, which
 * would read nearly every run to find them.
 */
async function candidates(ctx: Context, { experiments, conditions }: RunQuery): Promise<number[] | undefined> {
  if (experiments?.length !== 1) return undefined
  for (const condition of conditions) {
    let few: Fragment | undefined
    if (condition.on === 'metric' && condition.operator !== '!=')
      few = sql`select run from latest_metrics where experiment_id = ${experiments[0]} and key = ${condition.key}
        and special <> 'nan' and value ${comparison(condition.operator)} ${condition.value}`
    else if (condition.on === 'tag' && condition.key === parentTag && condition.operator === '=')
      few = sql`select run from run_tags where key = 'mlflow.parentRunId' and value = ${condition.value}`
    if (!few) continue
    const { rows } = await sql<{ run: number }>`${few} limit ${fewCandidates + 1}`.execute(ctx.db)
    if (rows.length <= fewCandidates) return rows.map(({ run }) => Number(run))
  }
  return undefined
}

/** By start time, then id. A page begins where the last one ended, so later pages cost as little as the first. */
async function newestFirst(ctx: Context, query: RunQuery): Promise<RunPage> {
  const [at, id] = positionOf(query.cursor, 2)
  const after = at === undefined ? [] : [startsAfter(Number(at), id ?? '')]
  const { rows } = await sql<RunsTable>`select r.* from runs r where ${all([...filters(query), ...after])}
    order by r.started_at desc, r.id limit ${query.limit + 1}`.execute(ctx.db)
  return page(rows, query, (last) => `${last.started_at}~${last.id}`)
}

function startsAfter(at: number, id: string): Fragment {
  return sql`(r.started_at < ${at} or (r.started_at = ${at} and r.id > ${id}))`
}

type RankedRun = RunsTable & { measured: number; rank: number }

/**
 * Ordered by one metric: follows its index, so that a page does not cost a sort of all runs, and a later page no more
 * than the first. Runs without a number come last: those with NaN, then those without the metric.
 */
async function alongMetric(ctx: Context, query: RunQuery, order: Order): Promise<RunPage> {
  const cursor = positionOf(query.cursor, 4)
  const rank = Number(cursor[0] ?? 0)
  const wanted = query.limit + 1
  const rows: RankedRun[] = rank === 0 ? await withNumber(ctx, query, order, cursor, wanted) : []
  if (rows.length < wanted)
    rows.push(...(await withoutNumber(ctx, query, order.key, rank === 0 ? [] : cursor, wanted - rows.length)))
  return page(rows, query, (last) => `${last.rank}~${last.measured}~${last.started_at}~${last.id}`)
}

async function withNumber(
  ctx: Context,
  query: RunQuery,
  { key, descending }: Order,
  [, value, at, id]: string[],
  limit: number,
): Promise<RankedRun[]> {
  const direction = descending ? sql`desc` : sql`asc`
  const beyond = descending ? sql`<` : sql`>`
  const after =
    value === undefined
      ? sql`1 = 1`
      : sql`m.value ${beyond}= ${Number(value)}
          and (m.value ${beyond} ${Number(value)} or ${startsAfter(Number(at), id ?? '')})`
  const { rows } = await sql<RankedRun>`select r.*, m.value as measured, 0 as rank
    from latest_metrics m join runs r on r.number = m.run
    where m.experiment_id = ${query.experiments?.[0]} and m.key = ${key} and m.special <> 'nan'
      and ${after} and ${all(filters(query))}
    order by m.value ${direction}, r.started_at desc, r.id limit ${limit}`.execute(ctx.db)
  return rows
}

async function withoutNumber(
  ctx: Context,
  query: RunQuery,
  key: string,
  [rank, , at, id]: string[],
  limit: number,
): Promise<RankedRun[]> {
  const ranked = sql`case when m.run is null then 2 else 1 end`
  const after =
    rank === undefined
      ? sql`1 = 1`
      : sql`(${ranked} > ${Number(rank)} or (${ranked} = ${Number(rank)} and ${startsAfter(Number(at), id ?? '')}))`
  const { rows } = await sql<RankedRun>`select r.*, 0 as measured, ${ranked} as rank from runs r
    left join latest_metrics m on m.run = r.number and m.key = ${key}
    where (m.run is null or m.special = 'nan') and ${after} and ${all(filters(query))}
    order by ${ranked}, r.started_at desc, r.id limit ${limit}`.execute(ctx.db)
  return rows
}

/** The position in a cursor; undefined for the first page. */
function positionOf(cursor: string | undefined, parts: number): string[] {
  if (cursor === undefined) return []
  const found = cursor.split('~')
  const numbers = found.slice(0, -1)
  if (found.length !== parts || numbers.some((text) => text === '' || !Number.isFinite(Number(text))))
    throw invalidCursor(cursor)
  return found
}

function page<Row extends RunsTable>(rows: Row[], { limit }: RunQuery, cursorOf: (last: Row) => string): RunPage {
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return { rows: shown, next: last && cursorOf(last) }
}

async function sorted(ctx: Context, query: RunQuery, among?: number[]): Promise<RunPage> {
  const offset = cursorNumber(query.cursor) ?? 0
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
  const { rows } =
    await sql<RunsTable>`select r.* from runs r ${sql.join(joins, sql` `)} where ${all([...oneOf(among), ...filters(query)])}
    order by ${sql.join([...keys, sql`r.started_at desc`, sql`r.id`])} limit ${query.limit + 1} offset ${offset}`.execute(
      ctx.db,
    )
  return byOffset(rows, query, offset)
}

function oneOf(numbers: number[] | undefined): Fragment[] {
  if (!numbers) return []
  return numbers.length === 0 ? [sql`1 = 0`] : [sql`r.number in (${sql.join(numbers)})`]
}

function byOffset(rows: RunsTable[], { limit }: RunQuery, offset: number): RunPage {
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
