import { once } from 'node:events'
import { globSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { isAbsolute, join, relative, sep } from 'node:path'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { type Pass, passesOver } from './engine-passes.ts'
import { writeToMemory } from './memory-folder.ts'
import { startTestRunner } from './run-test-file.ts'
import { type Count, emptyCount } from './test-events.ts'

type Timed = { path: string; title: string; seconds: number }

const root = fileURLToPath(new URL('..', import.meta.url))
const filesAtATime = 2
const slowestTold = 15
/** The longest ones start first, so that nobody waits for one alone at the end. */
const startFirst = [
  'test/journeys/demo.test.ts',
  'test/journeys/ci.test.ts',
  'test/journeys/delivery-crash.test.ts',
  'test/journeys/interrupted-demo.test.ts',
  'src/domains/evaluation/gate/run-gate.test.ts',
  'src/domains/monitoring/monitoring.test.ts',
  'src/domains/delivery/delivery.test.ts',
  'test/journeys/flights-gates.test.ts',
  'src/cli/commands/release.test.ts',
  'test/journeys/bad-input.test.ts',
]
const left = ['**/node_modules', '**/dist', '**/.keel', '**/.cache', 'keel-demo']

const engines = [
  { variable: 'TEST_PG', title: 'PostgreSQL', wants: 'the URL of a server whose databases may be made and dropped' },
  { variable: 'TEST_REDIS', title: 'Redis', wants: 'the URL of a server that may be written to' },
  { variable: 'TEST_S3', title: 'S3', wants: 'the URL of a store whose buckets may be made and emptied' },
  { variable: 'TEST_CHROMIUM', title: 'Chromium', wants: 'the path of the browser' },
]

/** Runs the test files that `filters` name, or all, on every configured engine; the last line counts the tests. */
export async function runTests(filters: readonly string[]): Promise<number> {
  const option = filters.find((filter) => filter.startsWith('-'))
  if (option !== undefined) return refuse(`"${option}" is not known here: arguments are parts of test file paths.`)
  const files = findFiles(filters)
  if (files.length === 0)
    return refuse(`There is no test file ${filters.map((part) => `"${part}"`).join(' or ')}`.trim())

  for (const name of Object.keys(process.env)) if (name.startsWith('KEEL_')) delete process.env[name]
  process.env['NODE_COMPILE_CACHE'] ??= enableCompileCache().directory
  writeToMemory()
  const skips = skippedEngines()
  process.stdout.write(skips)
  const count = emptyCount()
  const started = performance.now()
  const timed: Timed[] = []
  for (const pass of passesOver(root, files)) timed.push(...(await runPass(pass, count)))
  const seconds = (performance.now() - started) / 1000
  process.stdout.write(`\n${describeTimes(timed, seconds)}\n${skips}${describeCount(count)}\n`)
  return count.failed > 0 || count.passed === 0 ? 1 : 0
}

function refuse(message: string): number {
  process.stderr.write(`${message}\n`)
  process.stdout.write(`${describeCount(emptyCount())}\n`)
  return 2
}

function findFiles(filters: readonly string[]): string[] {
  const wanted = filters.map((filter) => {
    const path = isAbsolute(filter) ? relative(root, filter) : filter
    return path.replaceAll(sep, '/').replace(/^\.\//, '')
  })
  return globSync('{src,test,examples,web,bench}/**/*.test.ts', { cwd: root, exclude: left })
    .map((path) => path.replaceAll(sep, '/'))
    .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
    .sort()
    .sort((a, b) => turnOf(a) - turnOf(b))
}

function turnOf(path: string): number {
  const turn = startFirst.indexOf(path)
  return turn < 0 ? startFirst.length : turn
}

function skippedEngines(): string {
  const missing = engines.filter(({ variable }) => !process.env[variable])
  const lines = missing.map(
    ({ variable, title, wants }) => `Skipping what needs ${title}: ${variable} is not set to ${wants}.\n`,
  )
  const hint = 'On Debian, "scripts/engines/run npm test" starts the installed ones for the run.\n'
  return lines.length === 0 ? '' : `${lines.join('')}${hint}`
}

async function runPass({ title, engine, files }: Pass, count: Count): Promise<Timed[]> {
  process.stdout.write(`\n${title}: ${files.length} ${files.length === 1 ? 'file' : 'files'}\n`)
  process.env['KEEL_TEST_ENGINE'] = engine
  measureCoverage(engine === 'sqlite' ? process.env['TEST_COVERAGE'] : undefined)
  const report = new spec()
  report.pipe(process.stdout, { end: false })

  const running = new Map<string, number>()
  const heartbeat = setInterval(() => tellRunning(running), 30_000)
  const waiting = [...files]
  const timed: Timed[] = []
  const takeTurns = async () => {
    const runner = startTestRunner()
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      running.set(path, Date.now())
      const result = await runner.runFile(join(root, path))
      running.delete(path)
      timed.push({ path, title, seconds: result.seconds })
      for (const name of ['passed', 'failed', 'skipped'] as const) count[name] += result.count[name]
      for (const event of result.events) report.write(event)
    }
    await runner.stop()
  }
  await Promise.all(Array.from({ length: filesAtATime }, takeTurns))
  clearInterval(heartbeat)
  report.end()
  await once(report, 'end')
  return timed
}

/** What the workers run is written into `folder`; functions from a compile cache would be counted less exactly. */
function measureCoverage(folder: string | undefined): void {
  for (const name of ['NODE_V8_COVERAGE', 'NODE_DISABLE_COMPILE_CACHE']) delete process.env[name]
  if (folder) Object.assign(process.env, { NODE_V8_COVERAGE: folder, NODE_DISABLE_COMPILE_CACHE: '1' })
}

function tellRunning(running: ReadonlyMap<string, number>): void {
  const parts = [...running].map(([path, since]) => `${path} (${Math.round((Date.now() - since) / 1000)} s)`)
  process.stderr.write(`… running ${parts.join(' and ')}\n`)
}

function describeTimes(timed: readonly Timed[], seconds: number): string {
  const slowest = timed.toSorted((a, b) => b.seconds - a.seconds).slice(0, slowestTold)
  const lines = slowest.map((one) => `${one.seconds.toFixed(1).padStart(7)} s  ${one.path} (${one.title})\n`)
  return `The slowest files of ${(seconds / 60).toFixed(1)} minutes:\n${lines.join('')}`
}

function describeCount({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
