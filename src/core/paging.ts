import { invalidInput } from './errors.ts'

/** The number that a cursor says; nothing for the first page. */
export function cursorNumber(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  if (!/^\d{1,15}$/.test(cursor)) throw invalidCursor(cursor)
  return Number(cursor)
}

export function invalidCursor(cursor: string) {
  return invalidInput(`"${cursor}" is not a cursor of this list.`, {
    name: 'cursor',
    hint: 'Give the "next" of the page before, or nothing for the first page.',
  })
}

/** Where a list goes on after these rows: a page that is not full is the last one. */
export function nextOf<Row>(
  rows: readonly Row[],
  limit: number,
  key: (last: Row) => string | number,
): { next?: string } {
  const last = rows.length === limit ? rows.at(-1) : undefined
  return last === undefined ? {} : { next: String(key(last)) }
}

/** A page of what is all in memory: its cursors are positions. */
export function pageOf<Item>(
  all: readonly Item[],
  limit: number,
  cursor: string | undefined,
): { items: Item[]; next?: string } {
  const start = cursorNumber(cursor) ?? 0
  const end = start + limit
  return { items: all.slice(start, end), ...(end < all.length ? { next: String(end) } : {}) }
}
