import { type Context, liveValue } from '../../core/context.ts'
import { type AppError, conflict, toAppError } from '../../core/errors.ts'
import type { Lake } from '../../core/lake.ts'
import { firstBadCell } from './bad-rows.ts'
import * as relation from './relation.ts'
import * as store from './store.ts'

/** What is known of a source in this process: null where it could be read, the reason where it could not. */
type CachedReason = { reason: string | null; stamp: string; at: number }

/** A source that could not be read is tried again after so long: a file may be back. */
const patience = 30_000

const known = (ctx: Context) => liveValue(ctx, 'datasets.readable', () => new Map<string, CachedReason>())

/**
 * Why a source cannot be read, or null. Rows are read before they are acknowledged, so that what was readable once stays so:
 * the newest rows are read once in each process, and the rest when somebody asks for them.
 */
export async function unreadableReason(ctx: Context, source: string): Promise<string | null> {
  const row = await store.findSource(ctx, source)
  const before = known(ctx).get(source)
  if (!row || before?.reason === null) return null
  const stamp = stampOf(row)
  if (before && before.stamp === stamp && performance.now() - before.at < patience) return before.reason
  const segments = before ? [] : await store.listSegments(ctx, source, Number.MAX_SAFE_INTEGER)
  const newest = { source, afterSeq: segments.at(-1)?.to_seq ?? 0 }
  const reason = await relation
    .withSource(ctx, newest, async () => null)
    .catch((error: unknown) => reasonOf(ctx, source, error))
  known(ctx).set(source, { reason, stamp, at: performance.now() })
  return reason
}

/** All sources that cannot be read, each with the reason. */
export async function unreadableSources(ctx: Context): Promise<{ source: string; reason: string }[]> {
  const found: { source: string; reason: string }[] = []
  for (const { name } of await store.listSources(ctx)) {
    const reason = await unreadableReason(ctx, name)
    if (reason !== null) found.push({ source: name, reason })
  }
  return found
}

/** As `relation.withSource`; where the rows do not let themselves be read, the error says which of them and what to do. */
export function withSource<T>(
  ctx: Context,
  range: relation.RowRange,
  work: (lake: Lake, table: string) => Promise<T>,
): Promise<T> {
  return ctx.lake.session(async (lake) => {
    await loadSource(ctx, lake, range, 'source_relation')
    return work(lake, 'source_relation')
  })
}

export async function loadSource(ctx: Context, lake: Lake, range: relation.RowRange, table: string): Promise<void> {
  const { source } = range
  const row = await store.findSource(ctx, source)
  try {
    await relation.loadSource(ctx, lake, range, table)
  } catch (error) {
    if (!row) throw error
    const reason = await reasonOf(ctx, source, error)
    known(ctx).set(source, { reason, stamp: stampOf(row), at: performance.now() })
    throw unreadable(source, reason, error)
  }
}

function unreadable(source: string, reason: string, cause?: unknown): AppError {
  return conflict(`The source "${source}" cannot be read: ${reason}.`, {
    name: source,
    hint: `List its bad rows with "keel data check ${source}".`,
    cause,
  })
}

export function forget(ctx: Context, source: string): void {
  known(ctx).delete(source)
}

async function reasonOf(ctx: Context, source: string, error: unknown): Promise<string> {
  const bad = await firstBadCell(ctx, source).catch(() => undefined)
  if (bad) return `row ${bad.seq}, column "${bad.column}": ${bad.value} ${bad.rule}`
  const { message } = toAppError(error)
  const sentence = (message.split('\n')[0] ?? message).replace(/\.$/, '')
  return sentence.length > 200 ? `${sentence.slice(0, 199)}…` : sentence
}

function stampOf({ last_seq, removed, updated_at }: store.SourceRecord): string {
  return `${last_seq}/${removed}/${updated_at}`
}
