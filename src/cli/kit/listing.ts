import type { Outcome } from './command.ts'
import { type Cell, table } from './output.ts'
import { count } from './parameters.ts'

/** For every command that shows a list. */
export const listOptions = { limit: count('how many to show (default 100; --jsonl streams all)', 'n') }

type Page<Item> = { items: Item[]; next?: string }

type Listing<Item> = {
  fetch(paging: { limit: number; cursor: string | undefined }): Promise<Page<Item>>
  headers: string[]
  row(item: Item): Cell[]
  next?: string[]
}

const maxPerPage = 1000
const usual = 100

/** A list page by page: as lines of JSON it streams to its end, otherwise it shows the first ones. */
export async function listing<Item>(
  { options }: { options: { limit: number | undefined; jsonl: boolean } },
  { fetch, headers, row, next }: Listing<Item>,
): Promise<Outcome> {
  const streams = options.jsonl
  const limit = options.limit ?? (streams ? Number.POSITIVE_INFINITY : usual)

  async function* items(): AsyncGenerator<Item> {
    let left = limit
    for (let cursor: string | undefined; left > 0; ) {
      const page = await fetch({ limit: Math.min(left, maxPerPage), cursor })
      yield* page.items.slice(0, left)
      left -= page.items.length
      cursor = page.next
      if (cursor === undefined) return
    }
  }

  if (streams) return { data: [], items: items() }
  const data = await Array.fromAsync(items())
  return { data, text: table(headers, data.map(row)), ...(next ? { next } : {}) }
}
