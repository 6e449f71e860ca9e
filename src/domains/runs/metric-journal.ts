import type { DatabaseSync } from 'node:sqlite'
import { afterCommit, type Context, liveValue } from '../../core/context.ts'
import { transaction } from '../../core/transaction.ts'
import { insertRows, type JournalRow, journalStatements, type Rows } from './logging-store.ts'
import type { LatestMetricsTable } from './schema.ts'

/**
 * On the embedded database, metrics are first appended to one table, the journal: a commit then writes one page, where the
 * indexed tables would make it write several for each run. They move to those tables before any read, and otherwise a
 * moment later. What was acknowledged is on disk either way.
 */
type Journal = { written: number; flushed: number; timer: NodeJS.Timeout | undefined; server: Context | undefined }

const restMilliseconds = 200
const pointsPerTransaction = 10_000

/** Begins as if one entry were unflushed, so that the first flush finds what the last process left. */
const journalOf = (ctx: Context) =>
  liveValue(ctx, 'runs.journal', (): Journal => ({ written: 1, flushed: 0, timer: undefined, server: undefined }))

type Point = LatestMetricsTable
/** False when this database has no journal: the caller then writes to the tables themselves. */
export function appendToJournal(ctx: Context, points: Point[]): boolean {
  const { sqlite } = ctx.engine
  if (!sqlite) return false
  if (points.length === 0) return true
  const packed = points.map((point): JournalRow => {
    const { run, experiment_id, key, step, at, value, special } = point
    return [run, experiment_id, key, step, at, value, special]
  })
  journalStatements(ctx, sqlite).append.run(JSON.stringify(packed))
  const journal = journalOf(ctx)
  journal.written += 1
  if (journal.server) journal.timer ??= flushLater(journal, journal.server)
  return true
}

/** Flushes a moment later, in a transaction of its own. */
function flushLater(journal: Journal, server: Context): NodeJS.Timeout {
  return setTimeout(() => {
    journal.timer = undefined
    flushJournal(server).catch((error: unknown) =>
      server.log.error({ err: error }, 'metrics stay in the journal for now'),
    )
  }, restMilliseconds).unref()
}

/** Moves the points of the journal to the tables that are read. Every read of metrics begins with it. */
export async function flushJournal(ctx: Context): Promise<void> {
  const { sqlite } = ctx.engine
  if (!sqlite) return
  const journal = journalOf(ctx)
  while (journal.written > journal.flushed) {
    const written = journal.written
    const emptied = await transaction(ctx, (ctx) => flushBatch(ctx, sqlite))
    if (!emptied) continue
    afterCommit(ctx, () => {
      journal.flushed = Math.max(journal.flushed, written)
    })
    return
  }
}

/** From now on the journal is flushed by a timer. */
export async function startJournal(ctx: Context): Promise<void> {
  journalOf(ctx).server = ctx
  await flushJournal(ctx)
}

export async function stopJournal(ctx: Context): Promise<void> {
  const journal = journalOf(ctx)
  journal.server = undefined
  clearTimeout(journal.timer)
  await flushJournal(ctx)
}

/** True when nothing is left. Points of a purged run are dropped. */
async function flushBatch(ctx: Context, sqlite: DatabaseSync): Promise<boolean> {
  const { isEmpty, oldest, runExists, remove } = journalStatements(ctx, sqlite)
  const known = new Map<number, boolean>()
  const rows: Rows = { params: [], tags: [], metrics: [], modelMetrics: [] }
  let last: number | undefined
  for (const entry of oldest()) {
    for (const [run, experiment_id, key, step, at, value, special] of entry.points) {
      const exists = known.get(run) ?? runExists.get(run) !== undefined
      known.set(run, exists)
      if (exists) rows.metrics.push({ run, experiment_id, key, step, at, value, special })
    }
    last = entry.number
    if (rows.metrics.length >= pointsPerTransaction) break
  }
  if (last === undefined) return true
  await insertRows(ctx, rows)
  remove.run(last)
  return isEmpty()
}
