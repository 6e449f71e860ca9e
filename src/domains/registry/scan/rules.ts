import type { Finding } from '../scan-report.ts'
import type { Import, PickleReport } from './pickle.ts'

/** Modules whose functions run programs, reach files or the network, or make code. */
const dangerous = new Set(
  `os posix nt subprocess commands sys shutil socket ssl runpy pty importlib imp ctypes cffi webbrowser pickle _pickle
  marshal shelve code codeop bdb pdb timeit cProfile profile trace asyncio multiprocessing concurrent threading _thread
  signal tempfile pathlib glob fileinput io urllib http ftplib smtplib telnetlib xmlrpc requests httpx aiohttp pip
  setuptools distutils platform resource gc inspect types operator zipimport pkgutil pydoc doctest unittest`
    .split(/\s+/)
    .filter((name) => name !== ''),
)
const dangerousBuiltins = new Set(
  'eval exec compile open input __import__ getattr setattr delattr globals locals vars breakpoint apply execfile file memoryview'.split(
    ' ',
  ),
)
const dangerousNames = new Set([
  'numpy.testing._private.utils.runstring',
  'numpy.f2py.crackfortran.myeval',
  'torch.hub.load',
  'torch.load',
  'torch.serialization.load',
  'joblib.load',
  'pandas.io.common.get_handle',
  'pandas.read_pickle',
])
/** Libraries whose models are pickles; their names are what one expects in them. */
const familiar = new Set(
  `numpy scipy sklearn pandas torch joblib xgboost lightgbm catboost statsmodels collections datetime decimal fractions
  copyreg copy_reg _codecs array uuid builtins __builtin__ tensorflow keras transformers functools`
    .split(/\s+/)
    .filter((name) => name !== ''),
)
const carriesCode = new Set(['cloudpickle', 'dill', '__main__'])

/** Attributes through which any object leads to everything that its process has loaded. */
const waysOut = new Set(
  '__globals__ __builtins__ __subclasses__ __getattribute__ __dict__ __code__ __loader__'.split(' '),
)

/** Whether a dotted name leads through what its module imported itself: `os.system` in a harmless one is still `os.system`. */
function reachesOut(name: string): boolean {
  const parts = name.split('.')
  return parts.some((part, index) => {
    if (waysOut.has(part)) return true
    const next = parts[index + 1]
    if (next === undefined) return false
    const bare = part.replace(/^_+/, '')
    if (dangerous.has(part) || dangerous.has(bare)) return true
    if (/^builtins?$/.test(bare.replace(/_+$/, ''))) return dangerousBuiltins.has(next)
    return dangerousNames.has([bare, ...parts.slice(index + 1)].join('.'))
  })
}

function judgeImport({ module, name }: Import): Pick<Finding, 'kind' | 'severity'> | undefined {
  const top = module.split('.')[0] ?? ''
  const full = `${module}.${name}`
  if (reachesOut(name)) return { kind: 'dangerous_import', severity: 'danger' }
  if (top === 'builtins' || top === '__builtin__')
    return dangerousBuiltins.has(name.split('.')[0] ?? '')
      ? { kind: 'dangerous_import', severity: 'danger' }
      : undefined
  if (dangerous.has(top) || dangerousNames.has(full)) return { kind: 'dangerous_import', severity: 'danger' }
  if (carriesCode.has(top)) return { kind: 'code', severity: 'warning' }
  return familiar.has(top) ? undefined : { kind: 'unknown_import', severity: 'warning' }
}

/** What loading a pickle would do, judged by the names that it imports. */
export function judgePickle(file: string, { imports, calls, opaqueFrom }: PickleReport): Finding[] {
  const modules = [...new Set(imports.map(({ module }) => module))].sort()
  const shown =
    modules.length > 12 ? `${modules.slice(0, 12).join(', ')} and ${modules.length - 12} more` : modules.join(', ')
  const does = imports.length === 0 ? 'plain data' : `${calls ? 'calls' : 'names'} of ${shown}`
  const findings: Finding[] = [{ kind: 'pickle', severity: 'info', file, detail: `A pickle: ${does}.` }]
  for (const one of imports) {
    const judged = judgeImport(one)
    if (judged) findings.push({ ...judged, file, detail: `${one.module}.${one.name}` })
  }
  if (opaqueFrom !== undefined)
    findings.push({
      kind: 'unreadable',
      severity: 'warning',
      file,
      detail: `It cannot be followed from byte ${opaqueFrom}; the rest was searched for names only.`,
    })
  return findings
}

/** Loaders that are part of MLflow itself; any other module is code that loading the model imports. */
export function judgeLoader(file: string, loader: string, code: string | undefined): Finding[] {
  const own = /^mlflow(\.|$)/.test(loader)
  return [
    {
      kind: 'loader_module',
      severity: own ? 'info' : 'warning',
      file,
      detail: `Loading it imports "${clip(loader)}".`,
    },
    ...(code === undefined
      ? []
      : [{ kind: 'code' as const, severity: 'warning' as const, file, detail: `It brings code in "${clip(code)}".` }]),
  ]
}

export function clip(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text
}
