import { canonicalJson } from '../../../core/canonical.ts'
import type { Context } from '../../../core/context.ts'
import type { GoldenSetsTable } from '../schema.ts'
import { type Definition, type Item, textOf, toJsonLines } from './items.ts'

/** Who brought an item, when, and from where. */
export type Provenance = { by: string; at: string; from: string }

type Earlier = { row: GoldenSetsTable; items: readonly Item[] } | undefined
type Version = { definition: Definition; items: readonly Item[]; from: string | undefined; earlier: Earlier }

/** One line for each item; an item that is as it was in the version before keeps what was said of it. */
export async function provenanceLines(ctx: Context, { definition, items, from, earlier }: Version): Promise<Buffer> {
  const kept = new Map<string, Provenance>()
  if (earlier) {
    const said = await readProvenance(ctx, earlier.row)
    earlier.items.forEach((item, index) => {
      const one = said[index]
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

/** In the order of the items; for sets that were stored without, what is known of the whole set. */
export async function readProvenance(ctx: Context, row: GoldenSetsTable): Promise<Provenance[]> {
  if (row.provenance === null) {
    const { provenance, file } = JSON.parse(row.definition) as Definition
    const whole = { by: 'unknown', at: row.created_at, from: provenance ?? `file ${file}` }
    return Array.from({ length: Number(row.items) }, () => whole)
  }
  const lines = (await ctx.blobs.readVerified(row.provenance)).toString('utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Provenance)
}
