import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/core/config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const version = process.env['MLFLOW_VERSION'] ?? '3.11.1'

/** A Python of our own with the pinned client in it, made once. */
function pythonWithMlflow(): string | undefined {
  const folder = join(root, '.cache', `mlflow-${version}`)
  const python = join(folder, 'bin', 'python')
  const ready = () => existsSync(python) && succeeds(python, ['-c', 'import mlflow, sklearn'])
  if (ready()) return python
  if (!succeeds('python3', ['--version'])) return undefined
  process.stderr.write(`Installing mlflow ${version} into ${folder} (some minutes, once)\n`)
  execFileSync('python3', ['-m', 'venv', folder], { stdio: ['ignore', 'ignore', 'inherit'] })
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', `mlflow==${version}`, 'scikit-learn'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return ready() ? python : undefined
}

function succeeds(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

type Result = { name: string; ok: boolean; detail: string }

async function travel(python: string): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keel-interop-'))
  const { config } = resolveConfig({ environment: {} })
  const database =
    process.env['TEST_PG'] && process.env['KEEL_TEST_ENGINE'] === 'postgres' ? process.env['TEST_PG'] : ''
  const app = await createApp({ config: { ...config, port: '0', log: 'error', database }, root: folder })
  const url = await app.listen({ port: 0 })
  const results: Result[] = []
  try {
    const journey = spawn(python, [join(root, 'test', 'interop', 'mlflow-journey.py'), url], {
      stdio: ['ignore', 'pipe', process.env['KEEL_VERBOSE'] ? 'inherit' : 'ignore'],
    })
    const ended = new Promise<number | null>((resolve) => journey.once('exit', resolve))
    for await (const line of createInterface({ input: journey.stdout })) {
      if (!line.startsWith('{"name"')) continue
      const result = JSON.parse(line) as Result
      results.push(result)
      process.stdout.write(`${result.ok ? '  ok    ' : '  FAILED'}  ${result.name}  ${result.detail}\n`)
    }
    if ((await ended) !== 0) results.push({ name: 'the journey', ok: false, detail: 'Python ended with an error' })
  } finally {
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return results
}

const python = pythonWithMlflow()
if (python === undefined) {
  process.stdout.write('skipped: there is no python3 with venv and pip here\n0 passed, 0 failed\n')
} else {
  process.stdout.write(`mlflow ${version}, unmodified, against this server\n`)
  const results = await travel(python)
  const failed = results.filter(({ ok }) => !ok).length
  process.stdout.write(`${results.length - failed} passed, ${failed} failed\n`)
  process.exitCode = failed > 0 ? 1 : 0
}
