import { invalidInput } from '../../core/errors.ts'
import { type Clause, number, parseFilter, parseSort, words } from '../../core/search/search.ts'
import type { Condition, Order, TextAttribute } from './search-store.ts'

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

/** What a filter asks of runs, in the language that MLflow's clients search with. */
export function runConditions(filter: string | undefined): Condition[] {
  return parseFilter(filter).map(toCondition)
}

function toCondition(clause: Clause): Condition {
  const on = entities[clause.entity.toLowerCase()]
  if (!on) throw invalidInput(`Invalid entity type '${clause.entity}' in the filter.`)
  if (on === 'metric') return { on, key: clause.key, ...number(clause) }
  if (on === 'param' || on === 'tag') return { on, key: clause.key, ...words(clause) }
  if (on === 'dataset') {
    const key = (['name', 'digest', 'context'] as const).find((known) => known === clause.key)
    if (!key) throw invalidInput(`Invalid dataset key '${clause.key}': it must be one of name, digest, context.`)
    return { on, key, ...words(clause) }
  }
  const time = timeAttributes[clause.key]
  if (time) return { on: 'time', key: time, ...number(clause) }
  const key = textAttributes[clause.key]
  if (!key) throw invalidInput(`Invalid attribute key '${clause.key}' specified.`)
  const condition = words(clause)
  if (key !== 'status') return { on, key, ...condition }
  const { value } = condition
  return { on, key, ...condition, value: Array.isArray(value) ? value.map(toStatus) : toStatus(value) }
}

export function runOrder(orders: string[]): Order[] {
  const seen = new Set<string>()
  return orders.map((text) => {
    const { entity, key, descending } = parseSort(text)
    const on = entities[entity.toLowerCase()]
    if (!on || on === 'dataset') throw invalidInput(`Invalid order_by entity '${entity}'.`)
    const column = on === 'attribute' ? (timeAttributes[key] ?? textAttributes[key]) : key
    if (column === undefined) throw invalidInput(`Invalid order_by key '${key}' specified.`)
    if (seen.has(`${on} ${column}`))
      throw invalidInput(`\`order_by\` contains duplicate fields: ${JSON.stringify(orders)}`)
    seen.add(`${on} ${column}`)
    return { on, key: column, descending }
  })
}

const statuses = ['running', 'scheduled', 'finished', 'failed', 'killed'] as const

/** A status in the letters of any client. */
export function toStatus(value: string): (typeof statuses)[number] {
  const found = statuses.find((status) => status === value.toLowerCase())
  if (!found) throw invalidInput(`Invalid value ${JSON.stringify(value)} for parameter 'status' supplied.`)
  return found
}
