import type { Context } from '../../../core/context.ts'
import { canonicalJson } from '../../../core/json/json.ts'
import type { GoldenSetRecord } from '../store.ts'
import { textOf } from '../text-of.ts'
import { type Definition, type Item, toJsonLines } from './items.ts'

/** Who brought an item, when, and from where. */
export type Provenance = { by: string; at: string; from: string }

type EarlierVersion = { row: GoldenSetRecord; items: readonly Item[] } | undefined
type NewVersion = { definition: Definition; items: readonly Item[]; from: string | undefined; earlier: EarlierVersion }

/** One line for each item. An item that has not changed since the version before keeps its provenance. */
export async function provenanceLines(ctx: Context, { definition, items, from, earlier }: NewVersion): Promise<Buffer> {
  const kept = new Map<string, Provenance>()
  if (earlier) {
    const known = await readProvenance(ctx, earlier.row)
    earlier.items.forEach((item, index) => {
      const one = known[index]
      if (one) kept.set(canonicalJson(item), one)
    })
  }
  const fresh: Provenance = {
    by: ctx.actor.name,
    at: ctx.now().toISOString(),
    from: from ?? definition.provenance ?? `file ${definition.file}`,
  }
  return toJsonLines(
    items.map((item) => ({ id: textOf(item[definition.id]), ...(kept.get(canonicalJson(item)) ?? fresh) })),
  )
}

/** In the order of the items. For sets stored without provenance by item, that of the whole set stands for each. */
export async function readProvenance(ctx: Context, row: GoldenSetRecord): Promise<Provenance[]> {
  if (row.provenance === null) {
    const { provenance, file } = row.definition
    const whole = { by: 'unknown', at: row.created_at, from: provenance ?? `file ${file}` }
    return Array.from({ length: row.items }, () => whole)
  }
  const lines = (await ctx.blobs.readVerified(row.provenance)).toString('utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Provenance)
}
