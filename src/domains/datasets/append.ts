import { isDeepStrictEqual } from 'node:util'
import { afterCommit, type Context, liveValue } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { exactJson } from '../../core/json/json.ts'
import { transaction } from '../../core/transaction.ts'
import type { datasets } from './contract.ts'
import { append as appendEvent } from './events.ts'
import { enqueue } from './jobs.ts'
import { findPart, recordPart } from './pushes.ts'
import { assertReadable } from './relation.ts'
import { requireSource } from './required-source.ts'
import { checkRows } from './rules.ts'
import * as store from './store.ts'

type Operations = typeof datasets

export type StoredRow = { seq: number; ingestedAt: string; row: Record<string, unknown> }

type Listener = (source: string, rows: StoredRow[]) => void

const listeners = (ctx: Context) => liveValue(ctx, 'datasets.listeners', () => new Set<Listener>())

/** Called in this process after rows are on disk. */
export function onAppend(ctx: Context, listener: Listener): void {
  listeners(ctx).add(listener)
}

/** Rows in the database before they are moved into a segment. */
const tailLimit = 20_000

export async function append(
  ctx: Context,
  { source, rows, check = false, push }: Input<Operations['append']>,
): Promise<Output<Operations['append']>> {
  const { last_seq: before, definition: declared, keys } = await requireSource(ctx, source)
  const stored = push && (await findPart(ctx, source, push))
  if (stored) return { appended: 0, stored: stored.rows, lastSeq: before }
  // Looked at before the transaction, where the engine may be asked; in it once more only when the columns are others by then.
  const columns = await store.findColumns(ctx, source)
  const looked = checkRows(declared, columns, rows, keys ?? {})
  await assertReadable(ctx, looked)
  if (check) return { appended: 0, lastSeq: before }
  return transaction(ctx, async (ctx) => {
    const row = await requireSource(ctx, source)
    const { definition } = row
    if (push && (await findPart(ctx, source, push))) return { appended: 0, stored: rows.length, lastSeq: row.last_seq }
    const known = await store.findColumns(ctx, source)
    const same = isDeepStrictEqual([definition, known, row.keys], [declared, columns, keys])
    const checked = same ? looked : checkRows(definition, known, rows, row.keys ?? {})
    const first = row.last_seq + 1
    const ingestedAt = ctx.now().toISOString()
    const added = checked.rows.map((content, index): StoredRow => ({ seq: first + index, ingestedAt, row: content }))
    await store.insertRows(
      ctx,
      added.map(({ seq, row }) => ({ source, seq, ingested_at: ingestedAt, content: exactJson(row) })),
    )
    const changed = Object.entries(checked.columns).filter(([name, type]) => known[name] !== type)
    await store.saveColumns(ctx, source, Object.fromEntries(changed), first - 1)
    const lastSeq = first + rows.length - 1
    await store.saveSource(ctx, {
      ...row,
      ...span(row, definition.time, checked.rows),
      last_seq: lastSeq,
      updated_at: ingestedAt,
    })
    if (push) await recordPart(ctx, source, push, rows.length)
    await appendEvent(ctx, 'datasets.rows_appended', `source/${source}`, { rows: rows.length, lastSeq })
    if (lastSeq - ((await store.tailStart(ctx, source)) ?? lastSeq) >= tailLimit) {
      await enqueue(ctx, {
        kind: 'datasets.compact',
        payload: { source },
        key: `datasets.compact/${source}/${lastSeq}`,
      })
    }
    afterCommit(ctx, () => {
      for (const listen of listeners(ctx)) listen(source, added)
    })
    return { appended: rows.length, lastSeq }
  })
}

function span(
  row: store.SourceRecord,
  column: string | undefined,
  rows: Record<string, unknown>[],
): Pick<store.SourceRecord, 'first_time' | 'last_time'> {
  const times = column === undefined ? [] : rows.map((content) => String(content[column]))
  const all = [...times, row.first_time, row.last_time].filter((time) => time !== null).sort()
  return { first_time: all[0] ?? null, last_time: all.at(-1) ?? null }
}
