import { createHash } from 'node:crypto'
import { identifier, type Lake } from '../../core/lake.ts'

/** Rows are digested so many at a time: a source may be larger than memory. */
const blockRows = 100_000

/** One digest over these columns of all rows of a loaded source, in the order of their sequence numbers. */
export async function digestRows(lake: Lake, table: string, columns: string[]): Promise<string> {
  const fields = ['_seq', ...columns].map((name) => `${identifier(name)} := ${identifier(name)}`).join(', ')
  const [range] = await lake.query(`select coalesce(max(_seq), 0) as last from ${table}`)
  const last = Number(range?.['last'])
  const hash = createHash('sha256')
  for (let after = 0; after < last; after += blockRows) {
    const [block] = await lake.query(`
      select sha256(coalesce(string_agg(sha256(to_json(struct_pack(${fields}))::varchar), '' order by _seq), '')) as digest
      from ${table} where _seq > ${after} and _seq <= ${after + blockRows}`)
    hash.update(String(block?.['digest']))
  }
  return `sha256:${hash.digest('hex')}`
}
