import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseIsoTime, type Row, type Table } from '../../core/tables/tables.ts'
import { dialect, type dialectOptions } from '../files/dialect.ts'
import { openRows } from '../files/rows.ts'
import type { Session, Values } from '../kit/kit.ts'

/** Rows of one request. */
const batch = 5_000

type Push = Values<typeof dialectOptions> & {
  source: string
  file: string
  from: string | undefined
  until: string | undefined
  again: boolean | undefined
}

/**
 * Sends the rows of a file, part by part, each on disk when it is acknowledged. A part that was stored by an earlier push of the
 * same file, read in the same way, is not added again: after a push that was stopped, the same command adds the rest.
 */
export async function pushRows(
  session: Session,
  { source, file, from, until, again, ...written }: Push,
): Promise<{ appended: number; stored: number }> {
  const client = await session.client()
  const { definition, columns } = await client.datasets.getSource({ source })
  const types = new Map(
    Object.entries(columns).map(([name, type]) => [name, type === 'big_integer' ? 'integer' : type] as const),
  )
  const path = resolve(session.io.cwd, file)
  const opened = await openRows(path, { ...dialect(written), shown: file, types }, session.say)
  const chosen = within(definition.known_at ?? definition.time, from, until)
  const id = await digestOf(path, JSON.stringify([batch, from, until, dialect(written), again ? Date.now() : null]))
  let parts = 1
  const send = async (check: boolean) => {
    const progress = session.progress(`${check ? 'Checking' : 'Pushing'} ${source}`)
    const sum = { appended: 0, stored: 0 }
    let [part, seen] = [0, 0]
    try {
      for await (const rows of batches(opened, chosen)) {
        part += 1
        const push = check ? {} : { push: { id, part, parts } }
        const done = await client.datasets.append({ source, rows, check, ...push })
        sum.appended += done.appended
        sum.stored += done.stored ?? 0
        seen += rows.length
        progress.update(seen, opened.rows)
      }
    } finally {
      progress.end()
    }
    if (check) parts = part
    return sum
  }
  // All or nothing where the file is at fault: one of several parts is looked at whole before the first of them is stored.
  if (opened.rows > batch) await send(true)
  return send(false)
}

async function digestOf(path: string, options: string): Promise<string> {
  const hash = createHash('sha256').update(options)
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Rows of a table that `chosen` takes, in batches of one request. */
async function* batches(table: Table, chosen: (row: Row) => boolean): AsyncGenerator<Row[]> {
  let rows: Row[] = []
  for await (const part of table.read()) {
    rows.push(...part.filter(chosen))
    if (rows.length < batch) continue
    yield rows
    rows = []
  }
  if (rows.length > 0) yield rows
}

/** Whether a row was known in the period; a column of times holds ISO 8601 once it is read. */
function within(
  column: string | undefined,
  from: string | undefined,
  until: string | undefined,
): (row: Row) => boolean {
  if (column === undefined || (from === undefined && until === undefined)) return () => true
  const [first, last] = [from, until].map((time) => (time === undefined ? undefined : parseIsoTime(time)))
  return (row) => {
    const at = parseIsoTime(String(row[column]))
    return at === undefined || ((first === undefined || at >= first) && (last === undefined || at < last))
  }
}
