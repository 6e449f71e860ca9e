import { type RawBuilder, sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import { all, type Comparison, compareText, comparison, type TextOperator } from '../../core/search-terms.ts'
import type { TracesTable } from './schema.ts'

type Texts = { operator: TextOperator; value: string | string[] }

/** One term of a search over traces; all must hold. */
export type Condition =
  | { on: 'attribute'; key: 'id' | 'state' | 'client_request'; text: Texts }
  | { on: 'number'; key: 'at' | 'duration' | 'end'; operator: Comparison; value: number }
  | { on: 'tag' | 'metadata'; key: string; text: Texts }
  | { on: 'run'; text: Texts }
  | { on: 'span'; key: 'name' | 'type' | 'status' | 'content'; text: Texts }
  | { on: 'assessment'; kind: 'feedback' | 'expectation'; name: string; text: Texts }

export type TraceOrder = { key: 'at' | 'duration' | 'end' | 'state' | 'id' | 'name'; descending: boolean }

export type TraceQuery = {
  experiments: number[]
  conditions: Condition[]
  order?: TraceOrder[]
  limit: number
  offset?: number
}

type Fragment = RawBuilder<unknown>

export async function searchTraces(ctx: Context, query: TraceQuery): Promise<{ rows: TracesTable[]; more: boolean }> {
  if (query.experiments.length === 0) return { rows: [], more: false }
  const { rows } = await sql<TracesTable>`
    select traces.* from traces where ${matching(query)}
    order by ${sql.join([...(query.order ?? []).map(toOrder), sql`traces.at desc`, sql`traces.id`])}
    limit ${query.limit + 1} offset ${query.offset ?? 0}`.execute(ctx.db)
  return { rows: rows.slice(0, query.limit), more: rows.length > query.limit }
}

export async function countTraces(
  ctx: Context,
  query: Pick<TraceQuery, 'experiments' | 'conditions'>,
): Promise<number> {
  if (query.experiments.length === 0) return 0
  const { rows } = await sql<{ n: number }>`select count(*) as n from traces where ${matching(query)}`.execute(ctx.db)
  return Number(rows[0]?.n ?? 0)
}

/** Terms about spans must hold for one and the same span. */
export function matching({ experiments, conditions }: Pick<TraceQuery, 'experiments' | 'conditions'>): Fragment {
  const ofSpan = conditions.filter((condition) => condition.on === 'span')
  const columns = ofSpan.map(({ key, text }) => compareText(sql.ref(`s.${key}`), text))
  const spans = sql`exists (select 1 from trace_spans s where s.trace = traces.id and ${all(columns)})`
  return all([
    sql`traces.experiment_id in (${sql.join(experiments)})`,
    ...conditions.filter((condition) => condition.on !== 'span').map(toTerm),
    ...(ofSpan.length === 0 ? [] : [spans]),
  ])
}

const numbers = { at: sql`traces.at`, duration: sql`traces.duration`, end: sql`traces.at + traces.duration` } as const
const attributes = { id: sql`traces.id`, state: sql`traces.state`, client_request: sql`traces.client_request` } as const

function toTerm(condition: Exclude<Condition, { on: 'span' }>): Fragment {
  if (condition.on === 'number')
    return sql`${numbers[condition.key]} ${comparison(condition.operator)} ${condition.value}`
  if (condition.on === 'attribute') return compareText(attributes[condition.key], condition.text)
  if (condition.on === 'run') {
    const found = sql`select 1 from trace_runs r where r.trace = traces.id and ${compareText(sql`r.run`, condition.text)}`
    return sql`(exists (${found}) or ${valued('metadata', 'mlflow.sourceRun', condition.text)})`
  }
  if (condition.on === 'assessment') {
    const { kind, name, text } = condition
    const found = sql`select 1 from trace_assessments a where a.trace = traces.id and a.valid = 1 and a.kind = ${kind} and a.name = ${name}`
    if (text.operator === 'is null') return sql`not exists (${found})`
    if (text.operator === 'is not null') return sql`exists (${found})`
    return sql`exists (${found} and ${compareText(sql`a.value`, text)})`
  }
  return valued(condition.on, condition.key, condition.text)
}

function valued(kind: 'tag' | 'metadata', key: string, text: Texts): Fragment {
  const found = sql`select 1 from trace_values v where v.trace = traces.id and v.kind = ${kind} and v.key = ${key}`
  if (text.operator === 'is null') return sql`not exists (${found})`
  if (text.operator === 'is not null') return sql`exists (${found})`
  return sql`exists (${found} and ${compareText(sql`v.value`, text)})`
}

function toOrder({ key, descending }: TraceOrder): Fragment {
  const named = sql`(select v.value from trace_values v where v.trace = traces.id and v.kind = 'tag' and v.key = 'mlflow.traceName')`
  const column =
    key === 'name' ? named : key in numbers ? numbers[key as keyof typeof numbers] : sql.ref(`traces.${key}`)
  return descending ? sql`${column} desc` : sql`${column} asc`
}
