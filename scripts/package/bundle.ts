import { join } from 'node:path'
import { build } from 'vite'
import { routesOf } from '../../src/client/routes.ts'
import { api } from '../../src/contract.ts'
import { installed } from './manifest.ts'

/** Threads are files of their own, beside the one that starts them. */
const entries = {
  main: 'src/main.ts',
  'onnx-worker': 'src/core/onnx/onnx-worker.ts',
  'comparison-worker': 'src/domains/evaluation/evaluate/comparison-worker.ts',
}

/** The program in few files, so that a start reads few. What is first imported when it is used stays in a file of its own. */
export async function bundleInto(root: string, folder: string): Promise<void> {
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    plugins: [client],
    ssr: { noExternal: true, external: installed },
    build: {
      ssr: true,
      target: 'node24',
      outDir: folder,
      emptyOutDir: true,
      minify: false,
      rolldownOptions: {
        input: { client: 'virtual:client', ...inFolder(root) },
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  })
}

/** What `evenkeel/client` runs: method and path of every operation are worked out while building, so that it carries no schema. */
const client = {
  name: 'keel-client',
  resolveId: (id: string) => (id === 'virtual:client' ? id : undefined),
  load: (id: string) =>
    id === 'virtual:client'
      ? `import { createClient as create } from ${JSON.stringify(join(import.meta.dirname, '../../src/client/client.ts'))}
export { ProblemError } from ${JSON.stringify(join(import.meta.dirname, '../../src/client/client.ts'))}
const routes = ${JSON.stringify(routesOf(api))}
export const createClient = (connection) => create(routes, connection)`
      : undefined,
}

function inFolder(root: string): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(root, path)]))
}
