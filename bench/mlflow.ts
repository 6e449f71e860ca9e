import { pinnedVersion, pythonWithMlflow } from '../test/interop/python.ts'
import { curve } from './mlflow/curve.ts'
import { fillKeel, fillMlflow } from './mlflow/fill.ts'
import { type Connection, median, openConnection, rate, request, timed } from './mlflow/load.ts'
import { openStore, type Side, type Store, startKeel, startMlflow } from './mlflow/sides.ts'

/**
 * MLflow's own server beside ours: the same calls from one load generator, in turns, on the same machine at the same
 * time. The last line is JSON. `--quick` takes a third of the time; `--curve` measures our search as the runs grow.
 */
const quick = process.argv.includes('--quick')
const sizes = quick
  ? { rounds: 2, seconds: 1, mlflowSeconds: 3, runs: 1_000, starts: 1 }
  : { rounds: 3, seconds: 2, mlflowSeconds: 5, runs: 2_000, starts: 3 }

/** What one row measures: `unit` says whether more is better. */
type Row = { name: string; unit: 'per second' | 'ms' | 'MB'; keel: number[]; mlflow: number[] }

const v2 = '/api/2.0/mlflow'
let failed = 0

async function api<T>(connection: Connection, path: string, body: object): Promise<T> {
  const answer = await connection.send(request('POST', `${v2}/${path}`, body))
  if (answer.status !== 200)
    throw new Error(`${path} answered ${answer.status}: ${answer.body.toString().slice(0, 300)}`)
  return JSON.parse(answer.body.toString()) as T
}

type Created = { run: { info: { run_id: string } } }

async function newRun(connection: Connection, experiment: string): Promise<string> {
  return (await api<Created>(connection, 'runs/create', { experiment_id: experiment })).run.info.run_id
}

let clock = 1_750_000_000_000

async function logMetric(side: Side, experiment: string): Promise<number> {
  const connections = await Promise.all(Array.from({ length: 16 }, () => openConnection(side.port)))
  const runs: string[] = []
  for (const connection of connections) runs.push(await newRun(connection, experiment))
  const call = (connection: number, step: number) =>
    request('POST', `${v2}/runs/log-metric`, {
      run_id: runs[connection],
      key: 'loss',
      value: 1 / (step + 1),
      timestamp: clock + step,
      step,
    })
  await rate(connections, 0.3, (connection, step) => call(connection, step - 1_000_000))
  const seconds = side.name === 'keel' ? sizes.seconds : sizes.mlflowSeconds
  const result = await rate(connections, seconds, call)
  for (const connection of connections) connection.close()
  failed += result.failed
  return result.perSecond
}

async function logBatch(side: Side, experiment: string): Promise<number> {
  const connection = await openConnection(side.port)
  const run_id = await newRun(connection, experiment)
  const calls = Array.from({ length: 12 }, (_, batch) =>
    request('POST', `${v2}/runs/log-batch`, {
      run_id,
      metrics: Array.from({ length: 1000 }, (_, i) => ({
        key: `curve-${i % 10}`,
        value: Math.sqrt(i),
        timestamp: clock + batch * 100 + Math.floor(i / 10),
        step: batch * 100 + Math.floor(i / 10),
      })),
    }),
  )
  const result = await timed(connection, calls)
  connection.close()
  failed += result.failed
  return median(result.milliseconds.slice(2))
}

/** Whole runs: created, 10 metrics, 20 params and 5 tags logged, finished. */
async function wholeRuns(side: Side, experiment: string, clients: number): Promise<number> {
  const started = performance.now()
  const seconds = side.name === 'keel' ? sizes.seconds : sizes.mlflowSeconds
  let done = 0
  async function client(): Promise<void> {
    const connection = await openConnection(side.port)
    while (performance.now() - started < seconds * 1000) {
      await wholeRun(connection, experiment)
      done += 1
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: clients }, client))
  return (done * 1000) / (performance.now() - started)
}

async function wholeRun(connection: Connection, experiment: string): Promise<void> {
  const run_id = await newRun(connection, experiment)
  await api(connection, 'runs/log-batch', {
    run_id,
    metrics: Array.from({ length: 10 }, (_, i) => ({ key: `m${i}`, value: i, timestamp: clock + i, step: i })),
    params: Array.from({ length: 20 }, (_, i) => ({ key: `p${i}`, value: String(i) })),
    tags: Array.from({ length: 5 }, (_, i) => ({ key: `t${i}`, value: String(i) })),
  })
  await api(connection, 'runs/update', { run_id, status: 'FINISHED', end_time: clock })
}

async function search(side: Side, experiment: string): Promise<number> {
  const connection = await openConnection(side.port)
  const calls = Array.from({ length: side.name === 'keel' ? 20 : quick ? 3 : 5 }, (_, i) =>
    request('POST', `${v2}/runs/search`, {
      experiment_ids: [experiment],
      filter: `metrics.m3 > ${0.2 + i / 100}`,
      order_by: ['metrics.m1 DESC'],
      max_results: 100,
    }),
  )
  const result = await timed(connection, calls)
  connection.close()
  failed += result.failed
  return median(result.milliseconds)
}

const workloads = [
  { name: 'log-metric', unit: 'per second', measure: logMetric },
  { name: 'log-batch', unit: 'ms', measure: logBatch },
  { name: 'runs', unit: 'per second', measure: (side: Side, experiment: string) => wholeRuns(side, experiment, 8) },
  {
    name: 'runs, 1 client',
    unit: 'per second',
    measure: (side: Side, experiment: string) => wholeRuns(side, experiment, 1),
  },
  { name: 'search', unit: 'ms', measure: search },
] as const

async function compare(python: string | undefined, server: string | undefined): Promise<Row[]> {
  const keelStore = await openStore('keel', server)
  const mlflowStore = python === undefined ? undefined : await openStore('mlflow', server)
  const sides: Side[] = []
  const rows: Row[] = workloads.map(({ name, unit }) => ({ name, unit, keel: [], mlflow: [] }))
  try {
    const open = [
      () => startKeel(keelStore),
      ...(mlflowStore && python !== undefined ? [() => startMlflow(python, mlflowStore)] : []),
    ]
    const starts: Row = { name: 'start', unit: 'ms', keel: [], mlflow: [] }
    for (const [index, start] of open.entries()) {
      say(`starting ${index === 0 ? 'keel' : 'mlflow'}`)
      await (await start()).stop()
      for (let i = 0; i < sizes.starts; i++) {
        const side = await start()
        starts[side.name].push(side.startMilliseconds)
        if (i < sizes.starts - 1) await side.stop()
        else sides.push(side)
      }
    }
    const [experiment, population] = await prepare(sides, mlflowStore)
    for (let round = 0; round < sizes.rounds; round++) {
      for (const [index, { name, measure }] of workloads.entries()) {
        for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
          clock += 10_000_000
          rows[index]?.[side.name].push(await measure(side, name === 'search' ? population : experiment))
        }
      }
      say(`round ${round + 1} of ${sizes.rounds}`)
    }
    const memory: Row = { name: 'memory', unit: 'MB', keel: [], mlflow: [] }
    for (const side of sides) memory[side.name].push(side.memory() / 1024 ** 2)
    return [...rows, starts, memory]
  } finally {
    for (const side of sides) await side.stop()
    await keelStore.drop()
    await mlflowStore?.drop()
  }
}

/** Two experiments: one to log to, one whose runs are searched and never change. */
async function prepare(sides: Side[], mlflowStore: Store | undefined): Promise<[string, string]> {
  const size = { runs: sizes.runs, metrics: 20, params: 10 }
  const ids: string[][] = []
  for (const side of sides) {
    const connection = await openConnection(side.port)
    const made: string[] = []
    for (const name of ['logged', 'searched'])
      made.push((await api<{ experiment_id: string }>(connection, 'experiments/create', { name })).experiment_id)
    connection.close()
    const [, searched = ''] = made
    say(`filling ${side.name} with ${size.runs} runs`)
    if (side.name === 'keel') await fillKeel(side, searched, size)
    else if (mlflowStore) await fillMlflow(mlflowStore, searched, size)
    ids.push(made)
  }
  const [[logged = '', searched = ''] = []] = ids
  if (ids.some((made) => made.join() !== ids[0]?.join())) throw new Error('The servers number experiments differently.')
  return [logged, searched]
}

function say(line: string): void {
  process.stderr.write(`  ${line}\n`)
}

/** How many times better ours is. */
function ratio({ unit, keel, mlflow }: Row): number | undefined {
  if (mlflow.length === 0) return undefined
  const value = unit === 'per second' ? median(keel) / median(mlflow) : median(mlflow) / median(keel)
  return Math.round(value * 10) / 10
}

function show(title: string, rows: Row[]): void {
  const text = (values: number[]) =>
    values.length === 0 ? '–' : median(values).toFixed(values.some((v) => v < 10) ? 2 : 0)
  process.stdout.write(
    `\n${title}\n${'row'.padEnd(16)}${'unit'.padEnd(12)}${'keel'.padStart(10)}${'mlflow'.padStart(10)}  better\n`,
  )
  for (const row of rows) {
    const better = ratio(row)
    process.stdout.write(
      `${row.name.padEnd(16)}${row.unit.padEnd(12)}${text(row.keel).padStart(10)}${text(row.mlflow).padStart(10)}  ${better === undefined ? '–' : `${better}x`}\n`,
    )
  }
}

if (process.argv.includes('--curve'))
  for (const server of [undefined, process.env['TEST_PG']].slice(0, process.env['TEST_PG'] ? 2 : 1))
    await curve(quick ? [1_000, 10_000] : [1_000, 10_000, 100_000], server)
else {
  const python = pythonWithMlflow()
  if (python === undefined)
    process.stdout.write('MLflow cannot be installed here (no python3 with venv and pip): ours alone.\n')
  const server = process.env['TEST_PG']
  const ratios: Record<string, number> = {}
  for (const [name, url] of [
    ['SQLite', undefined],
    ...(server === undefined ? [] : [['PostgreSQL', server]]),
  ] as const) {
    const rows = await compare(python, url)
    show(`${name}: keel beside mlflow ${pinnedVersion}, medians of ${sizes.rounds} rounds`, rows)
    for (const row of rows) {
      const better = ratio(row)
      if (better !== undefined) ratios[name === 'SQLite' ? row.name : `${row.name} postgres`] = better
    }
  }
  process.stdout.write(`${JSON.stringify({ bench: 'mlflow', ratios, failed })}\n`)
  process.exitCode = failed > 0 ? 1 : 0
}
