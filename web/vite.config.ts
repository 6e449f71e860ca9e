import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { routesOf } from '../src/client/routes.ts'
import { api } from '../src/contract.ts'

/** Method and path of every operation, worked out from the contract while building: no schema reaches the browser. */
const routes = {
  name: 'keel-routes',
  resolveId: (id: string) => (id === 'virtual:routes' ? id : undefined),
  load: (id: string) =>
    id === 'virtual:routes' ? `export const routes = ${JSON.stringify(routesOf(api))}` : undefined,
}

/** Every text of the bundle also as Brotli and gzip, so that the server sends it small without any work. */
const compressed = {
  name: 'keel-compressed',
  writeBundle({ dir = '' }: { dir?: string }, bundle: Record<string, unknown>) {
    for (const name of Object.keys(bundle).filter((name) => /\.(js|css|html|svg)$/.test(name))) {
      const bytes = readFileSync(join(dir, name))
      writeFileSync(join(dir, `${name}.br`), brotliCompressSync(bytes))
      writeFileSync(join(dir, `${name}.gz`), gzipSync(bytes, { level: 9 }))
    }
  },
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), routes, compressed],
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2023' },
  server: { proxy: { '/api': 'http://127.0.0.1:5335' } },
})
