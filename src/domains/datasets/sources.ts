import { isDeepStrictEqual } from 'node:util'
import type { Static } from 'typebox'
import { type Context, liveValue } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { transaction } from '../../core/transaction.ts'
import type { datasets, SourceFile } from './contract.ts'
import { append as appendEvent } from './events.ts'
import { lastFetch, planFetches } from './fetch/fetch.ts'
import { unfinishedPush } from './pushes.ts'
import { unreadableReason } from './readable.ts'
import { compact } from './relation.ts'
import { requireSource } from './required-source.ts'
import { type Columns, type KeyTypes, redeclared } from './rules.ts'
import * as store from './store.ts'

type Operations = typeof datasets

type Source = Output<Operations['getSource']>

const removalListeners = (ctx: Context) =>
  liveValue(ctx, 'datasets.removals', () => new Set<(source: string) => void>())

/** Called in this process after rows were taken out. */
export function onRemoval(ctx: Context, listener: (source: string) => void): void {
  removalListeners(ctx).add(listener)
}

export function tellRemoval(ctx: Context, source: string): void {
  for (const listen of removalListeners(ctx)) listen(source)
}

/** Declares or changes a source; its rows stay. */
export function applySource(ctx: Context, definition: Static<typeof SourceFile>): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const old = await store.findSource(ctx, definition.source)
    await store.saveSource(ctx, {
      name: definition.source,
      definition,
      vetted: definition.vetted !== undefined,
      last_seq: old?.last_seq ?? 0,
      first_time: old?.first_time ?? null,
      last_time: old?.last_time ?? null,
      updated_at: ctx.now().toISOString(),
      removed: old?.removed ?? 0,
      keys: old?.keys ?? null,
    })
    const known = await store.findColumns(ctx, definition.source)
    const held = old?.last_seq ?? 0
    for (const [name, type] of Object.entries(redeclared(definition, known, held))) {
      if (known[name] === type) continue
      await store.saveColumns(ctx, definition.source, { [name]: type }, known[name] === 'integer' ? held : null)
    }
    await planFetches(ctx, definition)
    await appendEvent(ctx, 'datasets.source_applied', `source/${definition.source}`, {
      vetted: definition.vetted ?? null,
    })
  })
}

/** The columns by which features find an entity: values that cannot be such a key are refused from now on. */
export async function declareKeys(ctx: Context, source: string, keys: KeyTypes): Promise<void> {
  const row = await requireSource(ctx, source)
  const next = Object.keys(keys).length === 0 ? null : keys
  if (!isDeepStrictEqual(row.keys, next)) await store.saveSource(ctx, { ...row, keys: next })
}

export async function listSources(ctx: Context): Promise<Output<Operations['listSources']>> {
  const items: Source[] = []
  for (const source of await describeSources(ctx)) items.push(await withReason(ctx, source))
  return { items }
}

export async function getSource(ctx: Context, { source }: Input<Operations['getSource']>): Promise<Source> {
  const described = await withReason(ctx, await describeSource(ctx, source))
  const unfinished = await unfinishedPush(ctx, source)
  const fetch = described.definition.from && (await lastFetch(ctx, source))
  return { ...described, ...(unfinished && { unfinished }), ...(fetch && { fetch }) }
}

async function withReason(ctx: Context, source: Source): Promise<Source> {
  const reason = await unreadableReason(ctx, source.name)
  return reason === null ? source : { ...source, unreadable: reason }
}

/** What is written down of sources, without a look at their rows. */
export async function describeSources(ctx: Context): Promise<Source[]> {
  const rows = await store.listSources(ctx)
  return Promise.all(rows.map(async (row) => toSource(row, await store.findColumns(ctx, row.name))))
}

export async function describeSource(ctx: Context, source: string): Promise<Source> {
  return toSource(await requireSource(ctx, source), await store.findColumns(ctx, source))
}

export function compactSource(ctx: Context, { source }: { source: string }): Promise<{ rows: number }> {
  return compact(ctx, source)
}

function toSource(row: store.SourceRecord, columns: Columns): Source {
  return {
    name: row.name,
    definition: row.definition,
    columns,
    vetted: row.vetted,
    rows: row.last_seq - row.removed,
    firstTime: row.first_time,
    lastTime: row.last_time,
    lastSeq: row.last_seq,
    updatedAt: row.updated_at,
  }
}
