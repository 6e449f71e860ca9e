import type { Static } from 'typebox'
import { invalidInput } from '../../../core/errors.ts'
import { canonicalJson, digestOfJson, parseExactJson } from '../../../core/json/json.ts'
import { didYouMean } from '../../../core/suggest.ts'
import { dateOf, parseIsoTime } from '../../../core/tables/tables.ts'
import type { GoldenFile } from '../contract.ts'

export type Definition = Static<typeof GoldenFile>
export type Item = Record<string, unknown>

/** Throws for the first item that could not be judged: no identifier, no label, no time, no slice value. */
export function checkItems(definition: Definition, items: readonly Item[]): void {
  const rowOf = new Map<string, number>()
  items.forEach((item, index) => {
    const { id: key, label, slices = [], list, cluster } = definition
    for (const column of [key, label, ...slices, list, cluster]) {
      if (column === undefined) continue
      const value = item[column]
      if (value === undefined || value === null || value === '') throw invalidItem(index, column, 'is missing', item)
      if (!isPlain(value)) throw invalidItem(index, column, 'is neither a string, a number nor a boolean', item)
    }
    if (definition.time !== undefined && !isMoment(item[definition.time])) {
      const shown = item[definition.time]
      throw invalidItem(
        index,
        definition.time,
        shown === undefined ? 'is missing' : `is ${JSON.stringify(shown)}, not a time`,
        item,
      )
    }
    const id = String(item[definition.id])
    const earlier = rowOf.get(id)
    if (earlier !== undefined) throw invalidItem(index, definition.id, `is "${id}", as in row ${earlier + 1}`, item)
    rowOf.set(id, index)
  })
}

/** What names a version of a golden set: the same items under the same definition have the same digest. */
export function digestOfItems(definition: Definition, items: readonly Item[]): string {
  return digestOfJson({ definition, items })
}

export function toJsonLines(items: readonly Item[]): Buffer {
  return Buffer.from(items.map((item) => `${canonicalJson(item)}\n`).join(''))
}

export function fromJsonLines(bytes: Buffer): Item[] {
  const lines = bytes.toString('utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => parseExactJson(line) as Item)
}

/** Columns in the order in which they first appear. */
export function columnsOf(items: readonly Item[]): string[] {
  return [...new Set(items.flatMap((item) => Object.keys(item)))]
}

/** The moment given by an ISO 8601 string (UTC when it has no zone) or by epoch milliseconds; undefined for anything else. */
export function instantOf(value: unknown): Date | undefined {
  if (typeof value !== 'string' && !Number.isInteger(value)) return undefined
  const date = typeof value === 'string' ? dateOf(value) : new Date(Number(value))
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** What comes in is stricter than what is read of sets that were stored before. */
function isMoment(value: unknown): boolean {
  return typeof value === 'string' ? parseIsoTime(value) !== undefined : instantOf(value) !== undefined
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint' || Number.isFinite(value)
}

function invalidItem(index: number, column: string, message: string, item: Item) {
  return invalidInput(`Row ${index + 1}: "${column}" ${message}. Nothing was stored.`, {
    name: column,
    hint: column in item ? undefined : didYouMean(column, Object.keys(item)),
  })
}
