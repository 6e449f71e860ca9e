import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

type Manifest = {
  version: string
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

/** The tarball of what is published, made anew. */
export function pack(into: string): string {
  demand(process.execPath, [join(root, 'scripts', 'package.ts')], root)
  const said = demand('npm', ['pack', join(root, 'dist', 'package'), '--json', '--pack-destination', into], root)
  const [packed] = JSON.parse(said) as { filename: string }[]
  return join(into, packed?.filename ?? '')
}

/** An empty folder with the package in it, by npm where its cache has what the package needs; says how. */
export function installInto(folder: string, tarball: string): string {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n')
  const words = ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball]
  const { status } = spawnSync('npm', words, { cwd: folder, timeout: 45_000, killSignal: 'SIGKILL' })
  if (status === 0) return 'by npm, from its cache'
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true })
  layOut(folder, tarball)
  return 'laid out as npm does, with the packages of this clone'
}

/** Only what its package.json names is linked, so that a missing dependency is found. */
function layOut(folder: string, tarball: string): void {
  const modules = join(folder, 'node_modules')
  const target = join(modules, 'evenkeel')
  mkdirSync(target, { recursive: true })
  demand('tar', ['-xzf', tarball, '--strip-components=1', '-C', target], folder)
  for (const name of Object.keys(readManifest(target).dependencies ?? {})) linkWithOwn(modules, name)
  mkdirSync(join(modules, '.bin'), { recursive: true })
  symlinkSync(join('..', 'evenkeel', 'bin', 'keel.js'), join(modules, '.bin', 'keel'))
}

function linkWithOwn(modules: string, name: string): void {
  const own = join(root, 'node_modules', name)
  const link = join(modules, name)
  if (existsSync(link) || !existsSync(own)) return
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(own, link)
  const { dependencies, optionalDependencies } = readManifest(own)
  for (const inner of Object.keys({ ...dependencies, ...optionalDependencies })) linkWithOwn(modules, inner)
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** What a command prints; throws what it complains about. */
export function demand(command: string, args: string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`)
  return stdout
}
