import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The MLflow that everything here is pinned to. */
export const pinnedVersion = '3.11.1'

/**
 * A Python of our own with one MLflow in it, made once under `.cache`. Undefined where it cannot be made: without
 * python3, venv and pip, or when this version does not install; the reason is on stderr.
 */
export function pythonWithMlflow(version: string = pinnedVersion, wanted = `==${version}`): string | undefined {
  const folder = join(root, '.cache', `mlflow-${version}`)
  const python = join(folder, 'bin', 'python')
  const ready = () => existsSync(python) && runs(python, ['-c', 'import mlflow, sklearn, psycopg2'])
  if (ready()) return python
  if (!runs('python3', ['--version'])) return undefined
  process.stderr.write(`Installing mlflow ${version} into ${folder} (some minutes, once)\n`)
  if (!existsSync(python) && !shown('python3', ['-m', 'venv', folder])) return undefined
  const packages = [`mlflow${wanted}`, 'scikit-learn', 'psycopg2-binary']
  if (!shown(python, ['-m', 'pip', 'install', '--progress-bar', 'off', '--disable-pip-version-check', ...packages]))
    return undefined
  return ready() ? python : undefined
}

function runs(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Runs it with everything that it prints on stderr, so that a person sees how far it is. */
function shown(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: ['ignore', process.stderr.fd, process.stderr.fd] }).status === 0
}

/** The version that is installed there. */
export function installedVersion(python: string): string {
  return execFileSync(python, ['-c', 'import mlflow; print(mlflow.__version__)'], { encoding: 'utf8' }).trim()
}
