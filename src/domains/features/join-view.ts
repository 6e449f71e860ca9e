import { milliseconds } from '../../core/duration.ts'
import { identifier, type Lake } from '../../core/lake.ts'
import type { AggregateDefinition, ResolvedView } from './rules.ts'

/**
 * The point-in-time rule. A source row matches an entity row when all keys are equal (null equals nothing), its time is
 * not after the moment (aggregates: in [moment - window, moment)), and, as of known, it was known at the moment.
 * Of matching rows a column feature takes the last by (time, known time, sequence). One row out for each row in.
 */
export type Join = {
  /** Table with `_row`, `_moment` and the key columns. */
  entities: string
  /** Table with the source's rows: `_seq` and its columns. */
  source: string
  resolved: ResolvedView
  /** When a row `r` is about the entity `e`. */
  sameKeys: string
  time: string
  knownAt: string | undefined
  asOfKnown: boolean
}

/** Adds one table per view with `_row` and the view's features; returns its name. */
export async function joinView(lake: Lake, join: Join, table: string): Promise<void> {
  const { view, features } = join.resolved
  const wanted = new Set(features)
  const parts: { sql: string; features: string[] }[] = []
  const columns = (view.features ?? []).filter((feature) => wanted.has(feature))
  if (columns.length > 0) parts.push({ sql: latestRows(join, columns), features: columns })
  for (const group of byWindow((view.aggregates ?? []).filter(({ feature }) => wanted.has(feature)))) {
    parts.push({ sql: windowed(join, group), features: group.map(({ feature }) => feature) })
  }
  const selected = parts.flatMap(({ features }, index) => features.map((feature) => `p${index}.${identifier(feature)}`))
  const joins = parts.map(({ sql }, index) => `left join (${sql}) p${index} on p${index}._row = e._row`)
  await lake.run(
    `create temp table ${identifier(table)} as select ${['e._row', ...selected].join(', ')} from ${join.entities} e ${joins.join(' ')}`,
  )
}

function byWindow(aggregates: AggregateDefinition[]): AggregateDefinition[][] {
  const groups = new Map<string, AggregateDefinition[]>()
  for (const aggregate of aggregates) groups.set(aggregate.window, [...(groups.get(aggregate.window) ?? []), aggregate])
  return [...groups.values()]
}

function known({ knownAt, asOfKnown }: Join): string {
  return asOfKnown && knownAt !== undefined ? `and r.${identifier(knownAt)} <= e._moment` : ''
}

/**
 * Rows and moments meet in buckets as long as the window: a row can only count for moments of its own bucket or the
 * next, so the join is on equality and its cost is that of the matches, not of all pairs.
 */
function windowed(join: Join, aggregates: AggregateDefinition[]): string {
  const window = milliseconds(aggregates[0]?.window ?? '1h')
  const time = identifier(join.time)
  const bucket = (expression: string) => `(epoch_ms(${expression}) // ${window})`
  const values = aggregates.map(({ fn, of, feature }) => `${call(fn, of)} as ${identifier(feature)}`)
  return `
    select e._row, ${values.join(', ')} from ${join.entities} e
    left join (select *, unnest([${bucket(time)}, ${bucket(time)} + 1]) as _bucket from ${join.source} where ${time} is not null) r
      on ${bucket('e._moment')} = r._bucket and ${join.sameKeys}
      and r.${time} < e._moment and epoch_ms(r.${time}) >= epoch_ms(e._moment) - ${window} ${known(join)}
    group by e._row`
}

/** Sums of integers are taken as doubles, so that the order of rows cannot change the result of 0/1 columns. */
function call(fn: AggregateDefinition['fn'], of: string | undefined): string {
  if (fn === 'count') return of === undefined ? 'count(r._seq)' : `count(r.${identifier(of)})`
  const functions = { mean: 'avg', sum: 'sum', min: 'min', max: 'max' } as const
  return `${functions[fn]}(r.${identifier(of ?? '')}::double)`
}

function latestRows(join: Join, columns: string[]): string {
  const { ttl } = join.resolved.view
  const time = identifier(join.time)
  const order = [
    `r.${time} desc`,
    ...(join.knownAt === undefined ? [] : [`r.${identifier(join.knownAt)} desc nulls last`]),
    'r._seq desc',
  ]
  const fresh = ttl === undefined ? '' : `and epoch_ms(r.${time}) >= epoch_ms(e._moment) - ${milliseconds(ttl)}`
  return `
    select e._row, ${columns.map((column) => `r.${identifier(column)}`).join(', ')} from ${join.entities} e
    join ${join.source} r on ${join.sameKeys} and r.${time} <= e._moment ${fresh} ${known(join)}
    qualify row_number() over (partition by e._row order by ${order.join(', ')}) = 1`
}
