import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { sql } from 'kysely'
import { type Context, liveValue } from '../../core/context.ts'
import { recordsOf, trustedJson } from '../../core/database/database.ts'
import { latestOf } from './rules.ts'
import type { LatestMetricsTable, LoggedModelMetricsTable, PairTable, RunsTable, RunsTables } from './schema.ts'
import { findRuns } from './store.ts'

const tables = (ctx: Context) => ctx.db.withTables<RunsTables>()

/** Rows per statement: both databases limit the number of bound values. */
const chunk = 1_000

export type Rows = {
  params: PairTable[]
  tags: PairTable[]
  metrics: LatestMetricsTable[]
  modelMetrics: LoggedModelMetricsTable[]
}

/** Writes everything that some batches log, in the transaction of `ctx`. Metrics that exist already are not written twice. */
export async function insertRows(ctx: Context, rows: Rows): Promise<void> {
  const statements = prepared(ctx)
  if (statements) insertSynchronously(statements, rows)
  else await insertManyAtOnce(ctx, rows)
  for (const row of rows.modelMetrics) {
    await tables(ctx)
      .insertInto('logged_model_metrics')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

export async function runsById(ctx: Context, ids: string[]): Promise<Map<string, RunsTable>> {
  const statements = prepared(ctx)
  const rows = statements
    ? ids.map((id) => statements.findRun.get(id) as RunsTable | undefined).filter((row) => row !== undefined)
    : await findRuns(ctx, ids)
  return new Map(rows.map((row) => [row.id, row]))
}

export async function paramsOf(ctx: Context, run: number): Promise<Map<string, string>> {
  const statements = prepared(ctx)
  const rows = statements
    ? (statements.params.all(run) as PairTable[])
    : await tables(ctx).selectFrom('run_params').selectAll().where('run', '=', run).execute()
  return new Map(rows.map(({ key, value }) => [key, value]))
}

type Statements = Record<'findRun' | 'params' | 'param' | 'tag' | 'metric' | 'latest', StatementSync>

/** The statements of this path for the embedded database, prepared once: building them would be the largest cost of a call. */
function prepared(ctx: Context): Statements | undefined {
  const { sqlite } = ctx.engine
  return sqlite && liveValue(ctx, 'runs.statements', () => prepare(sqlite))
}

function prepare(sqlite: DatabaseSync): Statements {
  return {
    findRun: sqlite.prepare('select * from runs where id = ?'),
    params: sqlite.prepare('select * from run_params where run = ?'),
    param: sqlite.prepare('insert into run_params values (?, ?, ?) on conflict do nothing'),
    tag: sqlite.prepare(
      'insert into run_tags values (?, ?, ?) on conflict (run, key) do update set value = excluded.value',
    ),
    metric: sqlite.prepare('insert into metrics values (?, ?, ?, ?, ?, ?) on conflict do nothing'),
    latest: sqlite.prepare(`insert into latest_metrics values (?, ?, ?, ?, ?, ?, ?)
      on conflict (run, key) do update set step = excluded.step, at = excluded.at, value = excluded.value, special = excluded.special
      where (excluded.step, excluded.at, excluded.value) > (latest_metrics.step, latest_metrics.at, latest_metrics.value)`),
  }
}

export type JournalRow = [
  run: number,
  experiment: number,
  key: string,
  step: number,
  at: number,
  value: number,
  special: string,
]
type JournalTable = { number: number; points: string }

/** Thousands of rows a second, which this server wrote itself: they are taken at their word. */
const journal = recordsOf<JournalTable>()({ points: trustedJson<JournalRow[]>() })

/** The statements of the journal, which only the embedded database has. */
export function journalStatements(ctx: Context, sqlite: DatabaseSync) {
  return liveValue(ctx, 'runs.journal.statements', () => {
    const oldest = sqlite.prepare('select number, points from metric_journal order by number')
    return {
      append: sqlite.prepare('insert into metric_journal (points) values (?)'),
      isEmpty: () => oldest.get() === undefined,
      *oldest() {
        for (const row of oldest.iterate() as Iterable<JournalTable>) yield journal.read(row)
      },
      runExists: sqlite.prepare('select 1 from runs where number = ?'),
      remove: sqlite.prepare('delete from metric_journal where number <= ?'),
    }
  })
}

function insertSynchronously(statements: Statements, { params, tags, metrics }: Rows): void {
  for (const { run, key, value } of params) statements.param.run(run, key, value)
  for (const { run, key, value } of tags) statements.tag.run(run, key, value)
  for (const { run, key, step, at, value, special } of metrics)
    statements.metric.run(run, key, step, at, value, special)
  for (const { run, key, step, at, value, special, experiment_id } of latestOf(metrics))
    statements.latest.run(run, key, step, at, value, special, experiment_id)
}

async function insertManyAtOnce(ctx: Context, { params, tags, metrics }: Rows): Promise<void> {
  for (const rows of chunks(params)) {
    await tables(ctx)
      .insertInto('run_params')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['run', 'key']).doNothing())
      .execute()
  }
  for (const rows of chunks(lastOf(tags))) {
    await tables(ctx)
      .insertInto('run_tags')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['run', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
      )
      .execute()
  }
  for (const rows of chunks(metrics)) {
    await tables(ctx)
      .insertInto('metrics')
      .values(rows.map(({ experiment_id: _, ...row }) => row))
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  for (const rows of chunks(latestOf(metrics))) {
    await tables(ctx)
      .insertInto('latest_metrics')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .columns(['run', 'key'])
          .doUpdateSet((eb) => ({
            step: eb.ref('excluded.step'),
            at: eb.ref('excluded.at'),
            value: eb.ref('excluded.value'),
            special: eb.ref('excluded.special'),
          }))
          .where(
            sql<boolean>`(excluded.step, excluded.at, excluded.value) > (latest_metrics.step, latest_metrics.at, latest_metrics.value)`,
          ),
      )
      .execute()
  }
}

/** One statement may touch a row once, so of several values for one tag only the last is written. */
function lastOf(rows: PairTable[]): PairTable[] {
  return [...new Map(rows.map((row) => [`${row.run} ${row.key}`, row])).values()]
}

function* chunks<Row>(rows: Row[]): Generator<Row[]> {
  for (let at = 0; at < rows.length; at += chunk) yield rows.slice(at, at + chunk)
}
