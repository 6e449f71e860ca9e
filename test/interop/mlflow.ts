import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openStore } from '../../bench/mlflow/sides.ts'
import { createApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/core/config.ts'
import { importJourney, type Result } from './mlflow-import.ts'
import { installedVersion, pinnedVersion, pythonWithMlflow } from './python.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const journeyMilliseconds = 10 * 60_000

const results: Result[] = []
function report(result: Result): void {
  results.push(result)
  process.stdout.write(
    `${result.skipped ? '  skipped' : result.ok ? '  ok     ' : '  FAILED '}  ${result.name}  ${result.detail}\n`,
  )
}

/** The pinned version; with MLFLOW_VERSIONS=all also the oldest and the newest 3.x that install here. */
function pythons(): string[] {
  const pinned = pythonWithMlflow()
  if (pinned === undefined || process.env['MLFLOW_VERSIONS'] !== 'all') return pinned === undefined ? [] : [pinned]
  let oldest: string | undefined
  for (const version of ['3.0.0', '3.0.1', '3.1.0', '3.2.0', '3.3.0']) oldest ??= pythonWithMlflow(version)
  const newest = pythonWithMlflow('newest', '>=3,<4')
  return [oldest, pinned, newest].filter((python) => python !== undefined)
}

/** Everything that the unmodified client does, against this server on an engine. */
async function travel(python: string, postgres: string | undefined): Promise<void> {
  const store = await openStore('keel', postgres)
  const folder = mkdtempSync(join(tmpdir(), 'keel-interop-'))
  const { config } = resolveConfig({ environment: {} })
  const app = await createApp({
    config: { ...config, port: '0', log: 'error', database: store.postgres ?? '' },
    root: folder,
  })
  try {
    const url = await app.listen({ port: 0 })
    const journey = spawn(python, [join(root, 'test', 'interop', 'mlflow-journey.py'), url], {
      // Many clients that start at once trip over their own telemetry; files beside the journey are not modules of it.
      env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', PYTHONSAFEPATH: '1' },
      stdio: ['ignore', 'pipe', process.env['KEEL_VERBOSE'] ? 'inherit' : 'ignore'],
    })
    const ended = new Promise<number | null>((resolve) => journey.once('exit', resolve))
    const limit = setTimeout(() => journey.kill('SIGKILL'), journeyMilliseconds)
    for await (const line of createInterface({ input: journey.stdout }))
      if (line.startsWith('{"name"')) report(JSON.parse(line) as Result)
    if ((await ended) !== 0)
      report({ name: 'the journey', ok: false, detail: 'Python ended with an error, or too late' })
    clearTimeout(limit)
  } finally {
    await app.close()
    await store.drop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const available = pythons()
if (available.length === 0) {
  process.stdout.write('skipped: there is no python3 with venv and pip here\n0 passed, 0 failed, 1 skipped\n')
} else {
  for (const python of available) {
    const version = installedVersion(python)
    const server = process.env['TEST_PG']
    for (const [engine, url] of [['SQLite', undefined], ...(server ? [['PostgreSQL', server]] : [])] as const) {
      process.stdout.write(`mlflow ${version}, unmodified, against this server on ${engine}\n`)
      await travel(python, url)
    }
    if (version === pinnedVersion) {
      process.stdout.write(`mlflow ${version}: what it wrote is taken over\n`)
      await importJourney(python, report)
    }
  }
  const failed = results.filter(({ ok }) => !ok).length
  const skipped = results.filter(({ skipped }) => skipped).length
  const left = skipped === 0 ? '' : `, ${skipped} skipped`
  process.stdout.write(`${results.length - failed - skipped} passed, ${failed} failed${left}\n`)
  process.exitCode = failed > 0 ? 1 : 0
}
