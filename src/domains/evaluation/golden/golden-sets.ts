import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { conflict, invalidInput, notFound } from '../../../core/errors.ts'
import { nextOf } from '../../../core/paging.ts'
import { transaction } from '../../../core/transaction.ts'
import type { evaluation } from '../contract.ts'
import { append } from '../events.ts'
import * as store from '../store.ts'
import {
  checkItems,
  columnsOf,
  type Definition,
  digestOfItems,
  fromJsonLines,
  type Item,
  toJsonLines,
} from './items.ts'
import { provenanceLines } from './provenance.ts'

type Operations = typeof evaluation
type GoldenSet = Output<Operations['getGolden']>
type GoldenContent = { definition: Definition; items: Item[] }

/** Stores a new version, unless the items are those of the newest version. */
export function pushGolden(
  ctx: Context,
  { golden, definition, items }: Input<Operations['pushGolden']>,
): Promise<GoldenSet> {
  if (definition.golden !== golden) {
    throw invalidInput(`The definition names "${definition.golden}", not "${golden}".`, { name: definition.golden })
  }
  return storeVersion(ctx, { definition, items })
}

async function storeVersion(
  ctx: Context,
  { definition, items, after, from }: GoldenContent & { after?: number; from?: string | undefined },
): Promise<GoldenSet> {
  const golden = definition.golden
  checkItems(definition, items)
  const digest = digestOfItems(definition, items)
  const blob = await ctx.blobs.put(toJsonLines(items))
  const earlier = await store.findGolden(ctx, golden, undefined)
  const known = earlier && { row: earlier, items: fromJsonLines(await ctx.blobs.readVerified(earlier.blob)) }
  const provenance = await ctx.blobs.put(await provenanceLines(ctx, { definition, items, from, earlier: known }))
  return transaction(ctx, async (ctx) => {
    const newest = await store.findGolden(ctx, golden, undefined)
    if (newest?.digest === digest) return toGoldenSet(newest)
    if ((newest?.version ?? 0) !== (after ?? earlier?.version ?? 0)) {
      throw conflict(`"${golden}" got a new version meanwhile.`, { name: golden, hint: 'Try again.' })
    }
    const row: store.GoldenSetRecord = {
      name: golden,
      version: (newest?.version ?? 0) + 1,
      digest,
      blob: blob.digest,
      items: items.length,
      columns: columnsOf(items),
      definition,
      uses: 0,
      created_at: ctx.now().toISOString(),
      provenance: provenance.digest,
    }
    await store.insertGolden(ctx, row)
    await append(ctx, 'evaluation.golden_pushed', `golden/${golden}`, {
      version: row.version,
      digest,
      items: row.items,
    })
    return toGoldenSet(row)
  })
}

export function applyGolden(ctx: Context, { definition, items }: GoldenContent): Promise<GoldenSet> {
  return storeVersion(ctx, { definition, items })
}

/** Stores a new version that has these items in addition: how a failure in production becomes a test. */
export async function addGoldenItems(
  ctx: Context,
  { golden, items, from }: { golden: string; items: Item[]; from?: string },
): Promise<GoldenSet> {
  const current = await readGolden(ctx, { golden })
  const { definition, version } = current.set
  return storeVersion(ctx, { definition, items: [...current.items, ...items], after: version, from })
}

/** The digest that `getGolden` would return for this content. */
export function goldenDigest({ definition, items }: GoldenContent): string {
  return digestOfItems(definition, items)
}

export async function listGolden(
  ctx: Context,
  { limit = 100, cursor = '' }: Input<Operations['listGolden']>,
): Promise<Output<Operations['listGolden']>> {
  const rows = await store.listNewestGolden(ctx, cursor, limit)
  return { items: rows.map(toGoldenSet), ...nextOf(rows, limit, ({ name }) => name) }
}

export async function getGolden(ctx: Context, { golden, version }: Input<Operations['getGolden']>): Promise<GoldenSet> {
  return toGoldenSet(await requireGolden(ctx, golden, version))
}

/** A version with its items, verified against their digest. */
export async function readGolden(
  ctx: Context,
  { golden, version }: { golden: string; version?: number | undefined },
): Promise<{ set: GoldenSet; items: Item[] }> {
  const row = await requireGolden(ctx, golden, version)
  return { set: toGoldenSet(row), items: fromJsonLines(await ctx.blobs.readVerified(row.blob)) }
}

async function requireGolden(ctx: Context, name: string, version: number | undefined): Promise<store.GoldenSetRecord> {
  const row = await store.findGolden(ctx, name, version)
  if (row) return row
  throw version === undefined
    ? notFound('Golden set', name, 'Declare it under "golden" in keel.yaml, then run "keel apply".')
    : notFound('Golden set version', `${name} v${version}`)
}

function toGoldenSet(row: store.GoldenSetRecord): GoldenSet {
  return {
    name: row.name,
    version: row.version,
    digest: row.digest,
    items: row.items,
    columns: row.columns,
    definition: row.definition,
    uses: row.uses,
    createdAt: row.created_at,
  }
}
