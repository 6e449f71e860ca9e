import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleInto } from './package/bundle.ts'
import { clientTypes } from './package/client-types.ts'
import { publishedManifest } from './package/manifest.ts'

/** What is published, as a folder laid out like the clone: `npm pack dist/package` makes the tarball of it. */
const root = join(import.meta.dirname, '..')
const folder = join(root, 'dist', 'package')

const copied = ['bin', 'web/dist', 'examples/flights', 'schemas', 'templates', 'README.md', 'CHANGELOG.md', 'LICENSE']
const ofClone = /\.test\.ts$|\.fingerprint$|\.keel$/

rmSync(folder, { recursive: true, force: true })
await bundleInto(root, join(folder, 'dist'))
for (const path of copied)
  cpSync(join(root, path), join(folder, path), { recursive: true, filter: (path) => !ofClone.test(path) })
writeFileSync(join(folder, 'dist', 'client.d.ts'), clientTypes())
const manifest = publishedManifest(join(root, 'package.json'))
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
