import { type Clause, number, parseFilter, parseSort, words } from '../../core/search/search.ts'
import type { Condition, TraceOrder } from '../../domains/traces/traces.ts'
import { invalid } from './errors.ts'

const entities: Record<string, 'attribute' | 'tag' | 'metadata' | 'span' | 'feedback' | 'expectation'> = {
  '': 'attribute',
  attribute: 'attribute',
  attributes: 'attribute',
  trace: 'attribute',
  tag: 'tag',
  tags: 'tag',
  metadata: 'metadata',
  request_metadata: 'metadata',
  span: 'span',
  feedback: 'feedback',
  expectation: 'expectation',
}

const numeric: Record<string, 'at' | 'duration' | 'end'> = {
  timestamp: 'at',
  timestamp_ms: 'at',
  execution_time: 'duration',
  execution_time_ms: 'duration',
  end_time: 'end',
  end_time_ms: 'end',
}

const textual: Record<string, 'id' | 'state' | 'client_request'> = {
  request_id: 'id',
  trace_id: 'id',
  status: 'state',
  client_request_id: 'client_request',
}

export function traceConditions(filter: string | undefined): Condition[] {
  return parseFilter(filter).map(toCondition)
}

function toCondition(clause: Clause): Condition {
  if (clause.operator === 'rlike')
    throw invalid(
      `RLIKE is not offered for '${clause.key}': use LIKE or ILIKE. Regular expressions of callers could keep the server busy.`,
    )
  const on = entities[clause.entity.toLowerCase()]
  if (!on) throw invalid(`Invalid entity type '${clause.entity}' in the filter.`)
  if (on === 'tag' || on === 'metadata') return { on, key: clause.key, text: words(clause) }
  if (on === 'feedback' || on === 'expectation')
    return { on: 'assessment', kind: on, name: clause.key, text: words(asText(clause)) }
  return on === 'span' ? spanCondition(clause) : attributeCondition(clause)
}

/** `feedback.score = 0.9` means the number's text, as values are kept. */
function asText(clause: Clause): Clause {
  return typeof clause.value === 'number' ? { ...clause, value: String(clause.value) } : clause
}

function spanCondition(clause: Clause): Condition {
  const key = (['name', 'type', 'status', 'content'] as const).find((known) => known === clause.key)
  if (key) return { on: 'span', key, text: words(clause) }
  const attribute = /^attributes\.(.+)$/.exec(clause.key)?.[1]
  if (attribute === undefined)
    throw invalid(`Invalid span attribute '${clause.key}': use name, type, status, content or attributes.<key>.`)
  const { operator, value } = words(clause)
  if (Array.isArray(value) || (operator !== '=' && operator !== 'like' && operator !== 'ilike'))
    throw invalid(`Invalid comparator '${operator}' for the span attribute '${attribute}'.`)
  // The value stands inside the JSON text of the span, right after its key.
  const inner = JSON.stringify(value).slice(1, -1)
  const pattern = operator === '=' ? escaped(inner) : inner
  const whole = `%${escaped(`"key":${JSON.stringify(attribute)},"value":{"`)}%Value":%${pattern}%`
  return { on: 'span', key: 'content', text: { operator: operator === 'ilike' ? 'ilike' : 'like', value: whole } }
}

/** What LIKE would read as a wildcard stands for any one character: a superset that names no other key. */
function escaped(text: string): string {
  return text.replaceAll('%', '_')
}

function attributeCondition(clause: Clause): Condition {
  const { key } = clause
  const counted = numeric[key]
  if (counted) return { on: 'number', key: counted, ...number(clause) }
  const column = textual[key]
  if (column) return { on: 'attribute', key: column, text: words(clause) }
  if (key === 'name') return { on: 'tag', key: 'mlflow.traceName', text: words(clause) }
  if (key === 'run_id') return { on: 'run', text: words(clause) }
  if (key === 'text') return { on: 'span', key: 'content', text: words(clause) }
  if (key === 'prompt') return promptCondition(clause)
  throw invalid(`Invalid attribute key '${key}' specified.`)
}

/** `prompt = 'name/version'`, kept in a tag as JSON. */
function promptCondition(clause: Clause): Condition {
  const match = /^([^/]+)\/(\d+)$/.exec(String(clause.value))
  if (clause.operator !== '=' || !match) throw invalid("A prompt is compared with = and written as 'name/version'.")
  const value = `%{"name": ${JSON.stringify(match[1])}, "version": "${match[2]}"}%`
  return { on: 'tag', key: 'mlflow.linkedPrompts', text: { operator: 'like', value } }
}

const sortable: Record<string, TraceOrder['key']> = {
  ...numeric,
  status: 'state',
  request_id: 'id',
  trace_id: 'id',
  name: 'name',
}

export function traceOrder(orders: string[]): TraceOrder[] {
  return orders.map((text) => {
    const { entity, key, descending } = parseSort(text)
    const column = entities[entity.toLowerCase()] === 'attribute' ? sortable[key] : undefined
    if (!column) throw invalid(`Invalid order_by key '${key}' specified.`)
    return { key: column, descending }
  })
}
