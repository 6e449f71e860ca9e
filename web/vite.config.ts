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

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), routes],
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2023' },
  server: { proxy: { '/api': 'http://127.0.0.1:5335' } },
})
