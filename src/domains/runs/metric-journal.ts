import type { DatabaseSync } from 'node:sqlite'
import { afterCommit, type Context, liveValue } from '../../core/context.ts'
import { transaction } from '../../core/transaction.ts'
import { insertRows, journalStatements, type Rows } from './logging-store.ts'
import type { LatestMetricsTable } from './schema.ts'

/**
 * On the embedded database, metrics that arrive are first appended to one table: a commit then writes one page, where
 * the tables that are searched would make it write some for every run. Before anybody reads, and a moment later
 * anyway, they move to where they belong. What was acknowledged is on disk either way.
 */
type Journal = { written: number; folded: number; timer: NodeJS.Timeout | undefined; server: Context | undefined }

const restMilliseconds = 200
const pointsPerTransaction = 10_000

/** As if one entry were there: what the last process left is found by the first look. */
const journalOf = (ctx: Context) =>
  liveValue(ctx, 'runs.journal', (): Journal => ({ written: 1, folded: 0, timer: undefined, server: undefined }))

type Point = LatestMetricsTable
type Packed = [run: number, experiment: number, key: string, step: number, at: number, value: number, special: string]

/** False when this database has no journal, so that the caller writes where the points belong. */
export function appendToJournal(ctx: Context, points: Point[]): boolean {
  const { sqlite } = ctx.engine
  if (!sqlite) return false
  if (points.length === 0) return true
  const packed = points.map((point): Packed => {
    const { run, experiment_id, key, step, at, value, special } = point
    return [run, experiment_id, key, step, at, value, special]
  })
  journalStatements(ctx, sqlite).append.run(JSON.stringify(packed))
  const journal = journalOf(ctx)
  journal.written += 1
  if (journal.server) journal.timer ??= settleSoon(journal, journal.server)
  return true
}

/** In a transaction of its own: the one that appends is over by then. */
function settleSoon(journal: Journal, server: Context): NodeJS.Timeout {
  return setTimeout(() => {
    journal.timer = undefined
    settle(server).catch((error: unknown) => server.log.error({ err: error }, 'metrics stay in the journal for now'))
  }, restMilliseconds).unref()
}

/** Moves what was logged to where it is read. Every read of metrics begins with it. */
export async function settle(ctx: Context): Promise<void> {
  const { sqlite } = ctx.engine
  if (!sqlite) return
  const journal = journalOf(ctx)
  while (journal.written > journal.folded) {
    const written = journal.written
    const emptied = await transaction(ctx, (ctx) => foldSome(ctx, sqlite))
    if (!emptied) continue
    afterCommit(ctx, () => {
      journal.folded = Math.max(journal.folded, written)
    })
    return
  }
}

/** From here on the journal empties itself. */
export async function startJournal(ctx: Context): Promise<void> {
  journalOf(ctx).server = ctx
  await settle(ctx)
}

export async function stopJournal(ctx: Context): Promise<void> {
  const journal = journalOf(ctx)
  journal.server = undefined
  clearTimeout(journal.timer)
  await settle(ctx)
}

/** True when nothing is left. Points of a run that is gone for good are dropped. */
async function foldSome(ctx: Context, sqlite: DatabaseSync): Promise<boolean> {
  const { isEmpty, oldest, runExists, remove } = journalStatements(ctx, sqlite)
  const known = new Map<number, boolean>()
  const rows: Rows = { params: [], tags: [], metrics: [], modelMetrics: [] }
  let last: number | undefined
  for (const entry of oldest()) {
    for (const [run, experiment_id, key, step, at, value, special] of JSON.parse(entry.points) as Packed[]) {
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
