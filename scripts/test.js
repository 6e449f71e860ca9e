// Runs the tests of the project on every engine that is configured, and ends with one line that counts them.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
if (Number(process.versions.node.split('.')[0]) < 24) await handToPinnedNode()
else process.exitCode = await runAll(process.argv.slice(2))

async function handToPinnedNode() {
  const child = spawn(join(root, 'node_modules', '.bin', 'node'), [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  await new Promise((resolve) => child.on('exit', (code) => resolve((process.exitCode = code ?? 1))))
}

async function runAll(filters) {
  const { globSync } = await import('node:fs')
  const { run } = await import('node:test')
  const { spec } = await import('node:test/reporters')
  const excluded = (path) => /(^|\/)(node_modules|keel-demo|dist|\.cache)(\/|$)/.test(path)
  const wanted = (path) => filters.length === 0 || filters.some((filter) => path.includes(filter))
  const all = globSync(['{src,test,examples,web,bench}/**/*.test.ts'], { cwd: root, exclude: excluded }).sort().filter(wanted)
  const passes = [{ title: 'SQLite', environment: { KEEL_TEST_ENGINE: 'sqlite' }, files: all }]
  if (process.env.TEST_PG) {
    passes.push({ title: 'PostgreSQL', environment: { KEEL_TEST_ENGINE: 'postgres' }, files: all.filter((path) => path.startsWith('src/')) })
  } else process.stdout.write('Skipping the PostgreSQL pass: TEST_PG is not set to a postgres:// URL.\n')
  if (!process.env.TEST_CHROMIUM) process.stdout.write('Skipping the browser journeys: TEST_CHROMIUM is not set to a Chromium.\n')

  const count = { passed: 0, failed: 0, skipped: 0 }
  for (const { title, environment, files } of passes) {
    if (files.length === 0) continue
    process.stdout.write(`\n${title}: ${files.length} files\n`)
    Object.assign(process.env, environment)
    const stream = run({ files: files.map((path) => join(root, path)), concurrency: 2, timeout: 900_000 })
    stream.on('test:pass', (event) => tally(event, count))
    stream.on('test:fail', (event) => tally(event, count))
    const report = stream.compose(new spec())
    report.pipe(process.stdout, { end: false })
    await new Promise((resolve, reject) => report.on('end', resolve).on('error', reject))
  }
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
  process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped}\n`)
  return count.failed > 0 || count.passed === 0 ? 1 : 0
}

/** Files and suites are containers, not tests; a file that could not run is a failure. */
function tally(event, count) {
  const container = event.details.type === 'suite' || (event.nesting === 0 && event.name.endsWith('.test.ts'))
  if (event.skip !== undefined) count.skipped += 1
  else if (event.details.passed === false || event.details.error) count.failed += 1
  else if (!container) count.passed += 1
}
