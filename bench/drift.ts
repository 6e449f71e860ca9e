import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLake } from '../src/core/lake.ts'
import type { FileDrift } from '../src/domains/monitoring/files/file-drift.ts'
import { writeDriftFiles } from '../test/interop/drift-data.ts'
import { lastLine, pythonWith } from '../test/interop/python-tools.ts'

/**
 * Drift of 10 million rows and 10 columns against a reference of 5 million: our command, from its start to its answer,
 * beside Evidently's report on the same two files, its import left out. Both on an otherwise idle machine, one after the other. The last line is JSON.
 * `--quick` takes a twentieth of the rows.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const quick = process.argv.includes('--quick')
const [reference, current] = quick ? [250_000, 500_000] : [5_000_000, 10_000_000]
const rounds = quick ? 1 : 3
const seed = 7

type Measured = { seconds: number; megabytes: number; report: FileDrift }

/** Peak memory of the whole process, as the system counts it. */
async function ours(files: { reference: string; current: string }): Promise<Measured> {
  const started = performance.now()
  const args = [
    join(root, 'bin', 'keel.js'),
    'drift',
    files.reference,
    files.current,
    '--compat',
    'evidently',
    '--json',
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOf(child.pid))
  }, 50)
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const code = await new Promise((resolve) => child.once('close', resolve))
  clearInterval(watch)
  if (code !== 0) throw new Error(`keel drift ended with code ${code}`)
  const report = JSON.parse(Buffer.concat(chunks).toString()) as FileDrift
  return { seconds: (performance.now() - started) / 1000, megabytes: peak, report }
}

function memoryOf(pid: number | undefined): number {
  const path = `/proc/${pid}/status`
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024
}

type Theirs = { seconds: number; megabytes: number; columns: { column: string; test: string; value: number }[] }

/** Same tests, same verdicts, values as close as the bins promise. */
function compare(report: FileDrift, { columns }: Theirs): { verdicts: boolean; largest: number } {
  let [verdicts, largest] = [true, 0]
  for (const { column, test, value } of columns) {
    const found = report.columns.find((one) => one.column === column)
    verdicts &&= found?.test === test && found.drifted === value >= found.threshold
    largest = Math.max(largest, Math.abs((found?.value ?? Number.NaN) - value))
  }
  return { verdicts, largest }
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const folder = mkdtempSync(join(tmpdir(), 'keel-bench-drift-'))
let failed = 0
try {
  const lake = openLake()
  process.stderr.write(`  writing files of ${reference} and ${current} rows and 10 columns\n`)
  const files = await writeDriftFiles(lake, { folder, seed, reference, current })
  lake.close()
  const runs: Measured[] = []
  for (let round = 0; round < rounds; round++) {
    process.stderr.write(`  keel drift, round ${round + 1} of ${rounds}\n`)
    runs.push(await ours(files))
  }
  const [seconds, megabytes] = [median(runs.map((run) => run.seconds)), Math.max(...runs.map((run) => run.megabytes))]
  process.stdout.write(`\n${current} rows x 10 columns, against ${reference} of the reference\n`)
  process.stdout.write(`keel drift        ${seconds.toFixed(2)} s  ${megabytes.toFixed(0)} MB at most\n`)
  const tool = pythonWith('evidently')
  const result: Record<string, unknown> = { bench: 'drift', rows: current, reference, seconds, megabytes }
  if ('missing' in tool) process.stdout.write(`evidently         not measured: ${tool.missing}\n`)
  else {
    process.stderr.write('  evidently (minutes)\n')
    const theirs = lastLine<Theirs>(tool.python, 'evidently-drift.py', [files.reference, files.current])
    const [first] = runs
    const { verdicts, largest } = first ? compare(first.report, theirs) : { verdicts: false, largest: Number.NaN }
    const better = theirs.seconds / seconds
    process.stdout.write(
      `evidently 0.7.21  ${theirs.seconds.toFixed(2)} s  ${theirs.megabytes.toFixed(0)} MB at most\n`,
    )
    process.stdout.write(
      `${better.toFixed(1)}x; verdicts ${verdicts ? 'the same' : 'DIFFER'}, values within ${largest.toExponential(1)}\n`,
    )
    Object.assign(result, { evidently: theirs.seconds, ratios: { evidently: Math.round(better * 10) / 10 }, largest })
    if (!verdicts) failed += 1
  }
  if (megabytes > 1024) failed += 1
  process.stdout.write(`${JSON.stringify({ ...result, failed })}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failed > 0 ? 1 : 0
