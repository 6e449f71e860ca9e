import { conflict, invalidInput } from '../../core/errors.ts'
import { fromLake, identifier, type Lake } from '../../core/lake.ts'
import { shortened } from '../../core/tables/tables.ts'
import type { KeyType } from './key-types.ts'

type Tables = {
  /** Table with the moments, and what it is called in an error. */
  entities: string
  /** Table with the rows of `source`. */
  rows: string
  source: string
  keys: string[]
  types: ReadonlyMap<string, KeyType>
}

/**
 * The condition under which a row `r` of a source is about the entity `e`: all keys are equal as the type that they have,
 * so that 101 and "101" meet or are refused, and big integers are compared by every digit.
 */
export async function sameKeys(lake: Lake, { entities, rows, source, keys, types }: Tables): Promise<string> {
  const [asked, stored] = [await columnTypes(lake, entities), await columnTypes(lake, rows)]
  const conditions: string[] = []
  for (const key of keys) {
    const [e, r] = [`e.${identifier(key)}`, `r.${identifier(key)}`]
    const [left, right, type] = [asked.get(key), stored.get(key), types.get(key)]
    if (right === undefined)
      throw invalidInput(`The source "${source}" has no column "${key}" yet.`, {
        name: key,
        hint: `keel data show ${source}`,
      })
    if (type === undefined || left === undefined) conditions.push(`${e} = ${r}`)
    else {
      await refuseUnfit(lake, { table: `${entities} e`, column: e, key, stored: left, type, source: undefined })
      await refuseUnfit(lake, { table: `${rows} r`, column: r, key, stored: right, type, source })
      const plain = left === right && isPlain(left, type)
      conditions.push(plain ? `${e} = ${r}` : `${comparable(e, left, type)} = ${comparable(r, right, type)}`)
    }
  }
  return conditions.join(' and ')
}

async function columnTypes(lake: Lake, table: string): Promise<Map<string, string>> {
  const described = await lake.query(`describe ${table}`)
  return new Map(described.map((row) => [String(row['column_name']), String(row['column_type'])]))
}

/** Whether values of this column are of the key's type as they are. */
function isPlain(stored: string, type: KeyType): boolean {
  return type === 'string' ? stored === 'VARCHAR' : isInteger(stored)
}

const isInteger = (stored: string) => stored === 'BIGINT' || stored.endsWith(',0)')

/** The key as a text that is equal for equal keys; null where the value cannot be one, as `keyValue` says in memory. */
function comparable(column: string, stored: string, type: KeyType): string {
  if (isInteger(stored)) return `${column}::varchar`
  if (stored === 'DOUBLE') {
    const decimals = type === 'number' ? `${column}::varchar` : 'null'
    return `case when ${column} = trunc(${column}) and abs(${column}) < 9007199254740992 then ${column}::bigint::varchar else ${decimals} end`
  }
  if (stored === 'TIMESTAMP') return type === 'string' ? `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%gZ')` : 'null'
  if (stored !== 'VARCHAR') return type === 'string' ? `${column}::varchar` : 'null'
  if (type === 'string') return column
  const whole = `regexp_full_match(${column}, '0|-?[1-9][0-9]*')`
  const decimals = `regexp_full_match(${column}, '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?')`
  const double = `try_cast(${column} as double)`
  const number = `case when ${double} = trunc(${double}) and abs(${double}) < 9007199254740992 then ${double}::bigint::varchar else ${double}::varchar end`
  return `case when ${whole} then ${column} ${type === 'number' ? `when ${decimals} then ${number} ` : ''}else null end`
}

type Column = { table: string; column: string; key: string; stored: string; type: KeyType; source: string | undefined }

/** Stored by an earlier version, or in a source that has no entity's keys: named, with a value, before anything is joined. */
async function refuseUnfit(lake: Lake, { table, column, key, stored, type, source }: Column): Promise<void> {
  if (isPlain(stored, type)) return
  const missing =
    stored === 'VARCHAR' && type !== 'string'
      ? `and ${column} not in ('', 'NA', 'NaN', 'nan', 'null', 'NULL', 'None')`
      : ''
  const [found] = await lake.query(
    `select ${column} as value from ${table} where ${column} is not null ${missing} and (${comparable(column, stored, type)}) is null limit 1`,
  )
  if (!found) return
  const what = type === 'string' ? 'a string' : type === 'integer' ? 'an integer' : 'a number'
  const value = shortened(fromLake(found['value']))
  if (source === undefined)
    throw invalidInput(`The key "${key}" is ${value} in a row of the examples; it must be ${what}.`, { name: key })
  throw conflict(`The source "${source}" holds ${value} in the column "${key}", a key that must be ${what}.`, {
    name: source,
    hint: `Find the rows with "keel data check ${source}" and remove them, or give the key another type in features/.`,
  })
}
