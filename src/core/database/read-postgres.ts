import { AppError } from '../errors.ts'
import { exactInteger } from '../json/json.ts'

type OutsideRow = Record<string, unknown>

type Read = {
  url: string
  /** One select, without a semicolon. */
  query: string
  /** The column by which its rows become more, such as `updated_at`. */
  cursor: string
  /** Only rows whose cursor is not smaller than this text of one. */
  from: string | undefined
  batch: number
}

const connectMilliseconds = 10_000
const statementMilliseconds = 600_000

/**
 * Rows of a PostgreSQL database that is not ours, smallest cursor first, in batches; each row has its cursor as text. The
 * transaction is read-only, whatever the query says.
 */
export async function* readPostgres({
  url,
  query,
  cursor,
  from,
  batch,
}: Read): AsyncGenerator<{ cursor: string | null; row: OutsideRow }[]> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectMilliseconds,
    statement_timeout: statementMilliseconds,
    types: { getTypeParser: (oid: number) => (text: string) => readValue(oid, text) },
  })
  client.on('error', () => undefined)
  const name = `"${cursor.replaceAll('"', '""')}"`
  try {
    await client.connect()
    await client.query('begin transaction isolation level repeatable read read only')
    await client.query(`set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'iso_8601'`)
    const where = from === undefined ? '' : `where ${name} >= ${client.escapeLiteral(from)}`
    await client.query(`declare rows no scroll cursor for
      select ${name}::text as _cursor, given.* from (${query.trim().replace(/;$/, '')}\n) as given ${where} order by ${name}`)
    for (;;) {
      const { rows } = await client.query<OutsideRow>(`fetch ${batch} from rows`)
      if (rows.length === 0) return
      yield rows.map(({ _cursor, ...row }) => ({ cursor: _cursor === null ? null : String(_cursor), row }))
    }
  } catch (error) {
    throw failed(error)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** What the database says, without its address: that holds a password. */
function failed(error: unknown): AppError {
  if (error instanceof AppError) return error
  const said = error instanceof Error ? error.message || ('code' in error ? String(error.code) : error.name) : 'unknown'
  return new AppError('upstream_failed', `PostgreSQL did not do what it was asked: ${said.replace(/\.$/, '')}.`, {
    hint: 'Try the query by hand, with the same address, from the machine of the server.',
    cause: error,
  })
}

const [bool, int8, int2, int4, float4, float8, date, timestamp, timestamptz, numeric] = [
  16, 20, 21, 23, 700, 701, 1082, 1114, 1184, 1700,
]

/** A value as a row of JSON would have it; whole numbers are exact, times are ISO 8601 in UTC, to the millisecond. */
function readValue(oid: number, text: string): unknown {
  if (oid === bool) return text === 't'
  if (oid === int2 || oid === int4 || oid === int8) return exactInteger(text) ?? text
  if (oid === float4 || oid === float8) return finite(text)
  if (oid === numeric) return /^-?\d+$/.test(text) ? (exactInteger(text) ?? text) : finite(text)
  if (oid === timestamp || oid === timestamptz) return timeOf(text)
  return oid === date && !/^\d{4}-\d\d-\d\d$/.test(text) ? null : text
}

/** NaN is missing; what a number cannot hold stays a text, so that whoever stores it can say so. */
function finite(text: string): number | string | null {
  if (text === 'NaN') return null
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}

/** `2026-01-31 09:00:00.123456+00` as ISO 8601; `infinity` is no moment. */
function timeOf(text: string): string | null {
  const [, day, time, fraction = ''] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00)?$/.exec(text) ?? []
  return day === undefined ? null : `${day}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}Z`
}
