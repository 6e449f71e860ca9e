import { identifier, type Lake } from '../../../core/lake.ts'
import { isoOf, millisecondsOf } from '../../../core/time.ts'
import type * as datasets from '../../datasets/datasets.ts'
import type { LabelSetup } from './setup.ts'

type Setup = { setup: LabelSetup; definition: datasets.Definition }

/** The rows of a source that say a label: `k0` … are what they are found by, `known` is since when they say so. */
export async function createRows(
  lake: Lake,
  table: string,
  { setup, definition, cursor }: Setup & { cursor: number },
): Promise<void> {
  const { join, column } = setup
  const types = new Map(
    (await lake.query(`describe ${identifier(table)}`)).map((row) => [
      String(row['column_name']),
      String(row['column_type']),
    ]),
  )
  const text = (name: string) => asText(identifier(name), types.get(name) ?? 'VARCHAR')
  const keys = join.by === 'id' ? [join.column] : join.pairs.map(([column]) => column)
  const time = definition.time === undefined ? 'null::timestamp' : identifier(definition.time)
  const selected = keys.map((name, at) => `${text(name)} as k${at}`)
  await lake.run(`create temp table label_rows as
    select _seq as seq, _seq > ${cursor} as fresh, ${time} as happened, ${knownOf(definition)} as known,
      ${text(column)} as value, ${selected.join(', ')}
    from ${identifier(table)}
    where ${identifier(column)} is not null and ${keys.map((name) => `${identifier(name)} is not null`).join(' and ')}`)
}

/** Without a column that says when a row became known, a later one is known later. */
function knownOf({ known_at: known }: datasets.Definition): string {
  return known === undefined ? '_seq' : `epoch_us(${identifier(known)})`
}

/** As the log writes it: whole numbers without decimals, yes and no as 1 and 0. */
function asText(column: string, type: string): string {
  if (type === 'BOOLEAN') return `${column}::integer::varchar`
  if (type === 'TIMESTAMP') return `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%gZ')`
  if (type !== 'DOUBLE') return `${column}::varchar`
  return `case when ${column} = trunc(${column}) and abs(${column}) < 9007199254740992 then ${column}::bigint::varchar else ${column}::varchar end`
}

/**
 * The predictions that may have something new, so that a look does not read the whole log again: those of new rows, and those
 * that waited when it was looked last.
 */
export async function whichPredictions(
  lake: Lake,
  { join, after, within }: LabelSetup,
  lookedAt: string | null,
): Promise<{ since: string; where: { fresh: string; others: string | undefined } }> {
  const waited = after === undefined || lookedAt === null ? undefined : isoOf(millisecondsOf(lookedAt) - after)
  const [rows] = await lake.query(
    `select count(*) as count, epoch_ms(min(happened)) as first from label_rows where fresh`,
  )
  const hasNew = Number(rows?.['count'] ?? 0) > 0
  if (join.by === 'id') {
    const fresh = 'id in (select k0 from label_rows)'
    const conditions = [
      ...(hasNew ? ['id in (select k0 from label_rows where fresh)'] : []),
      ...(waited === undefined ? [] : [`"at" > '${waited}' and ${fresh}`]),
    ]
    return {
      since: hasNew ? '' : (waited ?? ''),
      where: { fresh, others: conditions.length === 0 ? undefined : conditions.join(' or ') },
    }
  }
  const first = hasNew ? isoOf(Math.max(0, Number(rows?.['first']) - (after ?? within))) : undefined
  const [since] = [first, waited].filter((moment) => moment !== undefined).sort()
  return { since: since ?? '9999', where: { fresh: 'true', others: since && `"at" >= '${since}'` } }
}

type Moments = { now: Date; last: string | null }

/**
 * For every prediction with a row, the one that decides:
 * - by id, what was known last; with `after`, of what had happened until then;
 * - by key, the first row at or after the prediction, or, with `after`, the last one until then; of several at one moment what
 *   was known last.
 * Rows that are equal in all of this and say different things contradict each other.
 */
export async function createMatches(
  lake: Lake,
  { setup, definition, moments }: Setup & { moments: Moments },
): Promise<void> {
  const { join, after, within } = setup
  const keys = join.by === 'id' ? ['p.id = r.k0'] : join.pairs.map((_, at) => `p.k${at} = r.k${at}`)
  const until = (length: number) => `p.predicted_at + to_milliseconds(${length})`
  const period =
    join.by === 'key'
      ? ` and r.happened >= p.predicted_at and r.happened <= ${until(after ?? within)}`
      : after !== undefined && definition.time !== undefined
        ? ` and r.happened <= ${until(after)}`
        : ''
  const newest = 'happened desc nulls last, known desc'
  const order =
    join.by === 'key'
      ? after === undefined
        ? 'happened, known desc'
        : newest
      : after === undefined
        ? 'known desc, happened desc nulls last'
        : newest
  const mature = after === undefined ? 'null::timestamp' : until(after)
  const now = `timestamp '${moments.now.toISOString().slice(0, -1)}'`
  const last = moments.last === null ? `timestamp '-infinity'` : `timestamp '${moments.last.slice(0, -1)}'`
  await lake.run(`create temp table matches as
    with pairs as (
      select p.id, r.seq, r.value, ${mature} as mature_at, p.fresh or r.fresh as touched,
        rank() over (partition by p.id order by ${order}) as place
      from predictions p join label_rows r on ${keys.join(' and ')}${period}),
    best as (
      select id, any_value(mature_at) as mature_at, bool_or(touched) as touched,
        max(seq) filter (place = 1) as seq, arg_max(value, seq) filter (place = 1) as value,
        count(distinct value) filter (place = 1) > 1 as ambiguous
      from pairs group by id)
    select row_number() over (order by id) as number, id, seq, value, ambiguous,
      case when mature_at > ${now} then mature_at end as mature_at
    from best
    where mature_at > ${now} or touched or mature_at > ${last}`)
}

export type Match = {
  id: string
  value: string
  ambiguous: boolean
  /** When it counts; null when it does. */
  matureAt: string | null
  /** Of the row that decides. */
  seq: number
}

export async function* readMatches(lake: Lake, page: number): AsyncGenerator<Match[]> {
  for (let after = 0; ; after += page) {
    const rows = await lake.query(
      `select id, seq, value, ambiguous, strftime(mature_at, '%Y-%m-%dT%H:%M:%S.%gZ') as mature_at
       from matches where number > ${after} and number <= ${after + page} order by number`,
    )
    if (rows.length === 0) return
    yield rows.map((row) => ({
      id: String(row['id']),
      value: String(row['value']),
      ambiguous: row['ambiguous'] === true,
      matureAt: row['mature_at'] === null ? null : String(row['mature_at']),
      seq: Number(row['seq']),
    }))
  }
}

/** How many rows are new, and how many of these belong to no prediction so far. */
export async function countUnmatched(
  lake: Lake,
  { join, after, within }: LabelSetup,
): Promise<{ rows: number; without: number }> {
  const keys = join.by === 'id' ? ['p.id = r.k0'] : join.pairs.map((_, at) => `p.k${at} = r.k${at}`)
  const period = `r.happened >= p.predicted_at and r.happened <= p.predicted_at + to_milliseconds(${after ?? within})`
  const earlier = join.by === 'id' ? '' : ` and ${period}`
  const [found] = await lake.query(`select count(*) as rows, count(*) filter (not exists (
      select 1 from predictions p where ${keys.join(' and ')}${earlier})) as without
    from label_rows r where r.fresh`)
  return { rows: Number(found?.['rows'] ?? 0), without: Number(found?.['without'] ?? 0) }
}
