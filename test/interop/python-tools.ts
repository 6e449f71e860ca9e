import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Versions that answer on a current Python; pandas 3 is too new for the first, newer loops for the last. */
const tools = {
  evidently: { packages: ['evidently==0.7.21', 'pandas<3', 'pyarrow'], modules: 'evidently, pyarrow' },
  nannyml: { packages: ['nannyml==0.13.1', 'statsmodels', 'pyarrow'], modules: 'nannyml, pyarrow' },
  serving: {
    packages: ['mlflow==3.11.1', 'scikit-learn==1.8.0', 'skl2onnx==1.20.0', 'tritonclient[http]==2.73.0', 'openai'],
    modules: 'mlflow, sklearn, skl2onnx, tritonclient.http, openai',
  },
  otlp: {
    packages: ['opentelemetry-sdk==1.45.2', 'opentelemetry-exporter-otlp-proto-http==1.45.2'],
    modules: 'opentelemetry.sdk.trace, opentelemetry.exporter.otlp.proto.http',
  },
  models: {
    packages: ['scikit-learn==1.8.0', 'skl2onnx==1.20.0', 'pandas', 'onnx', 'packaging'],
    modules: 'sklearn, skl2onnx, pandas, onnx',
  },
  mlserver: {
    packages: ['mlserver==1.7.1', 'mlserver-sklearn==1.7.1', 'scikit-learn==1.8.0', 'uvloop<0.22'],
    modules: 'mlserver_sklearn',
  },
}

/** A Python of our own with one of the tools, made once under `.cache`; or the reason why there is none. */
export function pythonWith(tool: keyof typeof tools): { python: string } | { missing: string } {
  const { packages, modules } = tools[tool]
  const folder = join(root, '.cache', tool)
  const python = join(folder, 'bin', 'python')
  const ready = () => existsSync(python) && succeeds(python, ['-c', `import ${modules}`])
  if (ready()) return { python }
  if (!succeeds('python3', ['--version'])) return { missing: 'there is no python3' }
  process.stderr.write(`Installing ${packages.join(', ')} into ${folder} (some minutes, once)\n`)
  if (!existsSync(python) && !shown('python3', ['-m', 'venv', folder])) return { missing: 'python3 has no venv' }
  if (!shown(python, ['-m', 'pip', 'install', '--progress-bar', 'off', '--disable-pip-version-check', ...packages]))
    return { missing: `pip cannot install ${packages.join(', ')}` }
  return ready() ? { python } : { missing: `${modules} cannot be imported, although installed` }
}

/** Adds packages to a Python of ours; false where that cannot be done. */
export function addPackages(python: string, packages: string[]): boolean {
  if (succeeds(python, ['-m', 'pip', 'show', '--quiet', ...packages])) return true
  return shown(python, ['-m', 'pip', 'install', '--progress-bar', 'off', '--disable-pip-version-check', ...packages])
}

/** The JSON of the last line that a script prints; isolated, so that files beside it are no modules. */
export function lastLine<T>(python: string, script: string, args: string[]): T {
  const path = join(root, 'test', 'interop', script)
  const { status, stdout, stderr } = spawnSync(python, ['-I', path, ...args], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`${script} failed: ${stderr.slice(-2000)}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T
}

function succeeds(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function shown(command: string, args: string[]): boolean {
  return spawnSync(command, args, { stdio: ['ignore', process.stderr.fd, process.stderr.fd] }).status === 0
}
