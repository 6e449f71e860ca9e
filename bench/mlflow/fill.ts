import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { openConnection, request } from './load.ts'
import type { Side, Store } from './sides.ts'

/** The runs that both servers know when the search is measured: the same numbers on both sides. */
export type Population = { runs: number; metrics: number; params: number }

type FilledRun = { name: string; at: number; metrics: [string, number][]; params: [string, string][] }

function* population({ runs, metrics, params }: Population): Generator<FilledRun> {
  for (let run = 0; run < runs; run++) {
    yield {
      name: `run-${run}`,
      at: 1_700_000_000_000 + run * 1000,
      metrics: Array.from({ length: metrics }, (_, i) => [`m${i}`, spread(run * 31 + i)]),
      params: Array.from({ length: params }, (_, i) => [`p${i}`, String((run + i) % 7)]),
    }
  }
}

/** Numbers in [0, 1) without order, the same in every run. */
function spread(n: number): number {
  return ((n * 2_654_435_761) % 4_294_967_296) / 4_294_967_296
}

/** Through the API: our own server is quick enough for that. */
export async function fillKeel(side: Side, experiment: string, size: Population): Promise<void> {
  const connections = await Promise.all(Array.from({ length: 8 }, () => openConnection(side.port)))
  const runs = population(size)
  await Promise.all(
    connections.map(async (connection) => {
      for (const { name, at, metrics, params } of runs) {
        const { body } = await connection.send(
          request('POST', '/api/2.0/mlflow/runs/create', { experiment_id: experiment, run_name: name, start_time: at }),
        )
        const run_id = (JSON.parse(body.toString()) as { run: { info: { run_id: string } } }).run.info.run_id
        const { status } = await connection.send(
          request('POST', '/api/2.0/mlflow/runs/log-batch', {
            run_id,
            metrics: metrics.map(([key, value]) => ({ key, value, timestamp: at, step: 0 })),
            params: params.map(([key, value]) => ({ key, value })),
          }),
        )
        if (status !== 200) throw new Error(`Filling failed: status ${status}`)
      }
    }),
  )
  for (const connection of connections) connection.close()
}

/** Straight into its tables: through its API this would take many minutes. */
export async function fillMlflow(store: Store, experiment: string, size: Population): Promise<void> {
  const rows: Rows = { runs: [], latest_metrics: [], metrics: [], params: [], tags: [] }
  for (const { name, at, metrics, params } of population(size)) {
    const run_uuid = randomUUID().replaceAll('-', '')
    const artifact_uri = `mlflow-artifacts:/${experiment}/${run_uuid}/artifacts`
    rows.runs.push({
      run_uuid,
      name,
      source_type: 'UNKNOWN',
      source_name: '',
      entry_point_name: '',
      user_id: '',
      status: 'RUNNING',
      start_time: at,
      lifecycle_stage: 'active',
      artifact_uri,
      experiment_id: Number(experiment),
    })
    rows.tags.push({ key: 'mlflow.runName', value: name, run_uuid })
    for (const [key, value] of metrics) {
      const row = { key, value, timestamp: at, step: 0, is_nan: false, run_uuid }
      rows.metrics.push(row)
      rows.latest_metrics.push(row)
    }
    for (const [key, value] of params) rows.params.push({ key, value, run_uuid })
  }
  if (store.postgres === undefined) insertSqlite(`${store.folder}/mlflow.db`, rows)
  else await insertPostgres(store.postgres, rows)
}

type Cell = string | number | boolean
type Rows = Record<'runs' | 'metrics' | 'latest_metrics' | 'params' | 'tags', Record<string, Cell>[]>

function insertSqlite(path: string, tables: Rows): void {
  const database = new DatabaseSync(path)
  database.exec('pragma busy_timeout = 10000; begin')
  for (const [table, rows] of Object.entries(tables)) {
    const names = Object.keys(rows[0] ?? {})
    if (names.length === 0) continue
    const insert = database.prepare(
      `insert into ${table} (${names.map((name) => `"${name}"`).join(', ')}) values (${names.map(() => '?').join(', ')})`,
    )
    for (const row of rows)
      insert.run(...Object.values(row).map((cell) => (typeof cell === 'boolean' ? Number(cell) : cell)))
  }
  database.exec('commit')
  database.close()
}

async function insertPostgres(url: string, tables: Rows): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (const [table, rows] of Object.entries(tables)) {
    for (let at = 0; at < rows.length; at += 5_000) {
      const text = JSON.stringify(rows.slice(at, at + 5_000))
      const names = Object.keys(rows[0] ?? {})
        .map((name) => `"${name}"`)
        .join(', ')
      await client.query(
        `insert into ${table} (${names}) select ${names} from json_populate_recordset(null::${table}, $1)`,
        [text],
      )
    }
  }
  await client.query('analyze')
  await client.end()
}
