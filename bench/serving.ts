import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pythonWith } from '../test/interop/python-tools.ts'
import {
  added,
  atAThousand,
  loggingCost,
  type Measurement,
  type Row,
  type Side,
  throughput,
} from './serving/measures.ts'
import { bodiesOf, type Kind, makeModel, makeOwnModel } from './serving/model.ts'
import { type Peer, startMlflowServe, startMlserver } from './serving/peers.ts'
import { startLoad, startOurs, startUpstream } from './serving/processes.ts'

/**
 * What serving costs: one row through HTTP against `mlflow models serve` and MLServer on the same scikit-learn model, the
 * latency at a steady pace, and what the gateway and the shadow add. All sides are asked by one client, in turns. Only what
 * fails makes the exit code 1. `bench:serving <words>` runs the rows whose names hold one of the words; `--quick` runs one
 * short round.
 */
const quick = process.argv.includes('--quick')
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const wanted = (name: string) => words.length === 0 || words.some((word) => name.includes(word))

const folder = mkdtempSync(join(tmpdir(), 'keel-bench-serving-'))
const clients = pythonWith('serving')
const kinds = ['ridge', 'forest'] as const
const folderOf = (kind: Kind) => join(folder, kind)
const [table = makeOwnModel(folderOf('ridge'))] =
  'python' in clients ? kinds.map((kind) => makeModel(clients.python, folderOf(kind), kind)) : []
const bodies = bodiesOf(table)
const upstream = await startUpstream()
const ours = await startOurs(
  folderOf('ridge'),
  [
    { name: 'ridge' },
    ...('python' in clients ? [{ name: 'forest', folder: folderOf('forest') }] : []),
    { name: 'shadowed', shadow: true },
    { name: 'unlogged', serves: { log: { sample: '0%' } } },
    { name: 'gate', serves: { upstream: { protocol: 'oip', urls: [upstream.url] } } },
  ],
  '127.0.0.1',
)
const load = await startLoad()
const rounds = quick ? { load, rounds: 1, seconds: 1 } : { load, rounds: 5, seconds: 3 }
const many = quick ? rounds : { load, rounds: 15, seconds: 2 }

const plain: Side = { port: ours.port, path: '/api/v1/predict/ridge', bodies: bodies.plain }
const infer = (kind: Kind) => `/v2/models/${kind}/infer`
const scoring = (kind: Kind): Side => ({ port: ours.port, path: `/serve/${kind}/invocations`, bodies: bodies.mlflow })
const tensors = (kind: Kind): Side => ({ port: ours.port, path: infer(kind), bodies: bodies.oip })
const mlserver = (workers: number) => ({
  needs: () => pythonWith('mlserver'),
  start: (python: string, folder: string) => startMlserver(python, folder, workers),
  ours: tensors,
  path: infer,
})
const peers = [
  {
    name: 'predict-vs-mlflow-serve',
    needs: () => clients,
    start: startMlflowServe,
    ours: scoring,
    path: () => '/invocations',
  },
  { name: 'predict-vs-mlserver', ...mlserver(1) },
  { name: 'predict-vs-mlserver-in-process', ...mlserver(0) },
]
const gate = '/v2/models/gate/infer'

const results: Record<string, Measurement['numbers']> = {}
const ratios: Record<string, number> = {}
const rows: Row[] = []
let failed = 0

function take(name: string, { row, numbers, failed: lost }: Measurement): void {
  results[name] = numbers
  if (numbers['ratio'] !== undefined) ratios[name] = numbers['ratio']
  rows.push(row)
  failed += lost
  process.stderr.write(`${name}: ${row.result}\n`)
}

function skip(name: string, reason: string): void {
  rows.push({ name, measured: `skipped: ${reason}`, result: '', target: '', met: null })
}

async function against(name: string, peer: () => Promise<Peer>, side: Side, path: string): Promise<void> {
  const { port, stop } = await peer()
  try {
    take(name, await throughput(rounds, name, [side, { port, path, bodies: side.bodies }]))
  } finally {
    await stop()
  }
}

try {
  for (const kind of kinds)
    for (const peer of peers) {
      const name = kind === 'ridge' ? peer.name : `${peer.name}-${kind}`
      if (!wanted(name)) continue
      const [model, server] = [clients, peer.needs()]
      if ('missing' in model) skip(name, model.missing)
      else if ('missing' in server) skip(name, server.missing)
      else await against(name, () => peer.start(server.python, folderOf(kind)), peer.ours(kind), peer.path(kind))
    }
  if (wanted('predict-latency')) take('predict-latency', await atAThousand(rounds, plain))
  if (wanted('logging-cost')) {
    const unlogged = { ...plain, path: '/api/v1/predict/unlogged' }
    take('logging-cost', await loggingCost(many, [unlogged, plain]))
  }
  if (wanted('gateway-overhead')) {
    const way = { name: 'gateway-overhead', most: { p50: 0.5, p99: 3 }, perSecond: 500 }
    const direct = { port: upstream.port, path: gate, bodies: bodies.wide }
    take('gateway-overhead', await added(many, way, [direct, { ...direct, port: ours.port }]))
  }
  if (wanted('shadow-cost')) {
    const way = { name: 'shadow-cost', most: { p50: 0.1 }, perSecond: 500 }
    take('shadow-cost', await added(many, way, [plain, { ...plain, path: '/api/v1/predict/shadowed' }]))
  }
} finally {
  await load.stop()
  await ours.stop()
  await upstream.stop()
  rmSync(folder, { recursive: true, force: true })
}

const machine = `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`
const cells = rows.map((row) => [
  row.name,
  row.measured,
  row.result,
  row.target,
  row.met === null ? '' : row.met ? 'met' : 'not met',
])
const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((cell) => cell[column]?.length ?? 0)))
console.log(`${machine}; servers and client on the same machine`)
for (const cell of cells)
  console.log(
    cell
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
console.log(JSON.stringify({ bench: 'serving', machine, ratios, failed, results }))
process.exitCode = failed > 0 ? 1 : 0
