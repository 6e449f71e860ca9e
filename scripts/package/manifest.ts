import { readFileSync } from 'node:fs'

/** Native, or read from their own folders at run time: these are installed beside the package. All else is in its bundle. */
export const installed = ['@duckdb/node-api', 'ajv', 'ajv-formats', 'onnxruntime-node', 'pg']

type Manifest = Record<string, unknown> & { dependencies: Record<string, string> }

/** The package.json of what is published: what a user needs, and nothing that only a clone does. */
export function publishedManifest(clone: string): Record<string, unknown> {
  const { name, version, description, license, type, bin, engines, dependencies } = JSON.parse(
    readFileSync(clone, 'utf8'),
  ) as Manifest
  return {
    ...{ name, version, description, license, type, bin, engines },
    exports: {
      './client': { types: './dist/client.d.ts', default: './dist/client.js' },
      './package.json': './package.json',
    },
    files: ['bin', 'dist', 'web/dist', 'examples/flights', 'schemas', 'templates'],
    dependencies: Object.fromEntries(installed.map((one) => [one, dependencies[one]])),
  }
}
