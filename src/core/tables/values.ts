import { exactInteger } from '../json/json.ts'
import { isoOf, parseIsoTime } from '../time.ts'

export type ColumnType = 'string' | 'integer' | 'number' | 'boolean' | 'time'

/** What a cell may hold once it is read: times as ISO 8601 in UTC; integers beyond a double's exactness as bigint. */
export type Cell = string | number | bigint | boolean | null

/** A value that is not what its column is declared as; the sentence continues "The value … ". */
export type Refusal = { rule: string; fix?: string }

const integerText = /^-?(0|[1-9]\d*)$/
const numberText = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const missingWords = new Set(['', 'NA', 'NaN', 'nan', 'null', 'NULL', 'None'])
const truths: Record<string, boolean> = { true: true, false: false, True: true, False: false, TRUE: true, FALSE: false }

/** Whether a text stands for "no value" in a column that holds no text. */
export function isMissingText(text: string): boolean {
  return missingWords.has(text)
}

export type TimeReader = (text: string) => number | undefined

/**
 * A value as the type that its column is declared as, the same by every door: a text is read, a number or boolean of JSON
 * or Parquet is taken when it says the same. Nothing is rounded, cut or completed; what does not fit is refused.
 */
export function toDeclared(value: unknown, type: ColumnType, readTime: TimeReader = parseIsoTime): Cell | Refusal {
  if (value === null || value === undefined) return null
  if (typeof value === 'number' && Number.isNaN(value)) return null
  if (type === 'string') return toText(value)
  if (typeof value === 'string' && isMissingText(value)) return null
  if (type === 'integer') return toInteger(value)
  if (type === 'number') return toNumber(value)
  if (type === 'boolean') return toBoolean(value)
  return toTime(value, readTime)
}

/** A value as a key: an integer keeps every digit, also where a double would hold it, so that neighbours stay apart. */
export function toKey(value: unknown, type: ColumnType): Cell | Refusal {
  const whole = typeof value === 'bigint' || (typeof value === 'string' && integerText.test(value))
  return toDeclared(value, type === 'number' && whole ? 'integer' : type)
}

export function isRefusal(value: Cell | Refusal): value is Refusal {
  return typeof value === 'object' && value !== null
}

function toText(value: unknown): Cell | Refusal {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  return { rule: 'must be a string', fix: 'Write it in quotes.' }
}

function toInteger(value: unknown): Cell | Refusal {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value === 0 ? 0 : value
  const text = typeof value === 'bigint' ? value.toString() : value
  if (typeof text !== 'string' || !integerText.test(text) || text === '-0') return { rule: 'must be an integer' }
  const exact = exactInteger(text)
  return exact ?? { rule: 'does not fit into 64 bits', fix: 'Declare the column as a string.' }
}

const plainNumber = { fix: 'Write it as 1234.5: no sign between thousands, no unit, no percent.' }

function toNumber(value: unknown): Cell | Refusal {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return numberOfInteger(value.toString())
  if (typeof value !== 'string') return { rule: 'must be a number' }
  if (!numberText.test(value)) return { rule: 'must be a number', ...plainNumber }
  if (integerText.test(value) && value !== '-0') return numberOfInteger(value)
  const number = Number(value)
  return Number.isFinite(number) ? number : { rule: 'is larger than a number can be' }
}

/** In a column of numbers an integer is a number where a double holds it exactly or prints it back; else its digits are kept. */
function numberOfInteger(text: string): Cell | Refusal {
  const number = Number(text)
  const same = Number.isFinite(number) && (String(number) === text || BigInt(number) === BigInt(text))
  return same ? number : toInteger(BigInt(text))
}

function toBoolean(value: unknown): Cell | Refusal {
  if (typeof value === 'boolean') return value
  const found = typeof value === 'string' && Object.hasOwn(truths, value) ? truths[value] : undefined
  return found ?? { rule: 'must be true or false' }
}

function toTime(value: unknown, readTime: TimeReader): Cell | Refusal {
  const read = typeof value === 'string' ? readTime(value) : undefined
  if (read !== undefined) return isoOf(read)
  return {
    rule: 'must be a time in ISO 8601, at most to milliseconds, of the years 1900 to 2200',
    fix: 'Write it as 2026-01-31T09:00:00Z, or name the format of a file with --time-format.',
  }
}
