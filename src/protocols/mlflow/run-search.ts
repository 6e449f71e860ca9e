import type { Comparison, TextOperator } from '../../core/search-terms.ts'
import type { Condition, Order, TextAttribute } from '../../domains/runs/runs.ts'
import { invalid } from './errors.ts'
import { type Clause, parseFilter, parseSort } from './filter.ts'
import { toStatus } from './views.ts'

const numeric = new Set<string>(['=', '!=', '<', '<=', '>', '>='])
const textual = new Set<string>(['=', '!=', 'like', 'ilike', 'in', 'not in', 'is null', 'is not null'])

const entities: Record<string, 'metric' | 'param' | 'tag' | 'attribute' | 'dataset'> = {
  '': 'attribute',
  metric: 'metric',
  metrics: 'metric',
  param: 'param',
  params: 'param',
  parameter: 'param',
  parameters: 'param',
  tag: 'tag',
  tags: 'tag',
  attribute: 'attribute',
  attributes: 'attribute',
  attr: 'attribute',
  run: 'attribute',
  dataset: 'dataset',
  datasets: 'dataset',
}

const textAttributes: Record<string, TextAttribute> = {
  run_id: 'id',
  run_name: 'name',
  'run name': 'name',
  'Run name': 'name',
  status: 'status',
  user_id: 'user_name',
  artifact_uri: 'location',
}

const timeAttributes: Record<string, 'started_at' | 'ended_at'> = {
  start_time: 'started_at',
  created: 'started_at',
  Created: 'started_at',
  end_time: 'ended_at',
}

export function runConditions(filter: string | undefined): Condition[] {
  return parseFilter(filter).map(toCondition)
}

function toCondition(clause: Clause): Condition {
  const on = entities[clause.entity.toLowerCase()]
  if (!on) throw invalid(`Invalid entity type '${clause.entity}' in the filter.`)
  if (on === 'metric') return { on, key: clause.key, ...number(clause) }
  if (on === 'param' || on === 'tag') return { on, key: clause.key, ...words(clause) }
  if (on === 'dataset') {
    const key = (['name', 'digest', 'context'] as const).find((known) => known === clause.key)
    if (!key) throw invalid(`Invalid dataset key '${clause.key}': it must be one of name, digest, context.`)
    return { on, key, ...words(clause) }
  }
  const time = timeAttributes[clause.key]
  if (time) return { on: 'time', key: time, ...number(clause) }
  const key = textAttributes[clause.key]
  if (!key) throw invalid(`Invalid attribute key '${clause.key}' specified.`)
  const condition = words(clause)
  if (key !== 'status') return { on, key, ...condition }
  const { value } = condition
  return { on, key, ...condition, value: Array.isArray(value) ? value.map(toStatus) : toStatus(value) }
}

export function number({ key, operator, value }: Clause): { operator: Comparison; value: number } {
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (!numeric.has(operator)) throw invalid(`Invalid comparator '${operator}' for '${key}': it compares numbers.`)
  if (typeof parsed !== 'number' || Number.isNaN(parsed))
    throw invalid(`Expected numeric value type for '${key}'. Found ${JSON.stringify(value)}.`)
  return { operator: operator as Comparison, value: parsed }
}

export function words({ key, operator, value }: Clause): { operator: TextOperator; value: string | string[] } {
  if (!textual.has(operator)) throw invalid(`Invalid comparator '${operator}' for '${key}': it compares texts.`)
  const list = Array.isArray(value) ? value : [value]
  if (list.some((item) => typeof item === 'number'))
    throw invalid(`Expected a quoted string value for '${key}'. Found ${JSON.stringify(value)}.`)
  return { operator: operator as TextOperator, value: Array.isArray(value) ? value.map(String) : String(value) }
}

export function runOrder(orders: string[]): Order[] {
  const seen = new Set<string>()
  return orders.map((text) => {
    const { entity, key, descending } = parseSort(text)
    const on = entities[entity.toLowerCase()]
    if (!on || on === 'dataset') throw invalid(`Invalid order_by entity '${entity}'.`)
    const column = on === 'attribute' ? (timeAttributes[key] ?? textAttributes[key]) : key
    if (column === undefined) throw invalid(`Invalid order_by key '${key}' specified.`)
    if (seen.has(`${on} ${column}`)) throw invalid(`\`order_by\` contains duplicate fields: ${JSON.stringify(orders)}`)
    seen.add(`${on} ${column}`)
    return { on, key: column, descending }
  })
}
