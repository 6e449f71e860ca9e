import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { installed } from '../scripts/package/manifest.ts'
import { words } from '../src/cli/words.ts'
import { settings } from '../src/core/config.ts'
import { testServer } from './support/context.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const dockerfile = read('Dockerfile')
const unit = read('deploy/evenkeel.service')

type Service = {
  build?: string
  image?: string
  ports?: string[]
  volumes?: string[]
  environment?: Record<string, string>
  depends_on?: Record<string, unknown>
  healthcheck?: unknown
}
const compose = parse(read('compose.yaml')) as { services: Record<string, Service>; volumes: Record<string, unknown> }

/** The lines of a Dockerfile by their instruction; a line that goes on is one. */
function instructions(name: string): string[] {
  const lines = dockerfile.replaceAll('\\\n', ' ').split('\n')
  return lines.filter((line) => line.trim().startsWith(`${name} `)).map((line) => line.trim().slice(name.length + 1))
}

const unitValue = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? ''
const known = new Set<string>(Object.values(settings).map(({ env }) => env))
const unknownNames = (names: string[]) => names.filter((name) => name.startsWith('KEEL_') && !known.has(name))

test('the image looks at the path that says when this server is ready, on its port, without a token', async (t) => {
  const { app } = await testServer(t)
  const [, path = ''] = /http:\/\/127\.0\.0\.1:5335(\/[^']+)/.exec(dockerfile) ?? []
  const answer = await app.server.inject({ url: path, headers: { host: '127.0.0.1' } })
  assert.equal(answer.statusCode, 200, path)
  assert.deepEqual(instructions('EXPOSE'), [settings.port.default])
  assert.ok(compose.services['keel']?.ports?.every((port) => port.endsWith(`:${settings.port.default}`)))
})

test('neither the image nor the service of systemd runs as root', () => {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  assert.match(last, /^USER node$/m)
  assert.ok(last.indexOf('USER node') < last.indexOf('ENTRYPOINT'))
  assert.equal(unitValue('User'), 'evenkeel')
})

test('every path, command and setting that the image, compose and systemd name exists', () => {
  const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string>; engines: { node: string } })
    .scripts
  for (const [, name = ''] of dockerfile.matchAll(/npm run ([\w:]+)/g)) assert.ok(scripts[name], name)
  assert.ok(existsSync(join(root, /evenkeel\/(bin\/\S+)/.exec(dockerfile)?.[1] ?? 'none')))
  assert.ok(
    existsSync(
      join(root, 'node_modules', /node_modules\/(onnxruntime-node\/\S+)/.exec(dockerfile)?.[1] ?? 'none', 'linux'),
    ),
  )
  const typed = [...dockerfile.matchAll(/RUN keel (\w+)|CMD \["(\w+)"\]/g)].map(([, run, cmd]) => run ?? cmd ?? '')
  const started = unitValue('ExecStart').split(' ')[1] ?? ''
  assert.deepEqual(
    [...typed, started].filter((word) => !(word in words)),
    [],
  )
  assert.equal(typed.length, 2)
  const images = instructions('ENV').map((line) => line.split('=')[0] ?? '')
  const services = Object.values(compose.services).flatMap(({ environment = {} }) => Object.keys(environment))
  assert.deepEqual(unknownNames([...images, ...services]), [])
})

test('every image is pinned to a version and named without a registry', () => {
  const images = Object.values(compose.services).flatMap(({ image }) => image ?? [])
  const bases = instructions('FROM').map((line) => line.split(' ')[0] ?? '')
  assert.ok(bases.every((base) => base === 'node:24-slim'))
  for (const image of images) assert.match(image, /^([\w-]+\/)?[\w-]+:(?!latest)[\w.-]+$/)
})

test('compose waits for what it depends on, and keeps what lasts in volumes that it declares', () => {
  for (const [name, { volumes = [], depends_on = {} }] of Object.entries(compose.services)) {
    for (const volume of volumes) assert.ok((volume.split(':')[0] ?? '') in compose.volumes, volume)
    for (const other of Object.keys(depends_on)) assert.ok(compose.services[other]?.healthcheck, `${name}: ${other}`)
  }
})

test('what the image adds to that of Node is less than 170 MB', { skip: process.platform !== 'linux' }, () => {
  const others = new RegExp(`napi-v6/(?!linux/${process.arch}/)`)
  const packages = [...installed, '@duckdb', 'onnxruntime-common']
  const files = packages
    .flatMap((name) => globSync(`node_modules/${name}/**/*`, { cwd: root }))
    .filter((path) => !others.test(path))
  const bytes = [...new Set(files)].reduce((sum, path) => sum + statSync(join(root, path)).size, 0)
  assert.ok(bytes > 50e6 && bytes < 155e6, `${bytes} bytes, and 15 MB at most for the package itself`)
})
