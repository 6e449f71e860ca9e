import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/core/config.ts'
import type { Context } from '../../src/core/context.ts'
import { transaction } from '../../src/core/transaction.ts'
import * as artifacts from '../../src/domains/artifacts/artifacts.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import type { ModelSpec } from '../../src/domains/registry/spec.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { spec } from '../../test/support/trips.ts'

/** An endpoint with one live version; `serves` adds to its spec, and `shadow` sends every request to a second version too. */
export type Wanted = { name: string; serves?: Partial<ModelSpec['serves']>; shadow?: boolean }

/**
 * `server.ts <folder> <egress> <endpoints as JSON>`: a server in a process of its own, with the ONNX model of the folder
 * behind every endpoint that names no upstream. It prints its address, and ends when its input does.
 */
const [folder = '', egress = '', endpoints = '[]'] = process.argv.slice(2)
const root = mkdtempSync(join(tmpdir(), 'keel-bench-serving-'))
const { config } = resolveConfig({ environment: {} })
const app = await createApp({ config: { ...config, port: '0', log: 'error', egress }, root })

type Table = { columns: string[] }

async function establish(ctx: Context, { name, serves = {}, shadow = false }: Wanted): Promise<void> {
  const { columns } = JSON.parse(readFileSync(join(folder, 'rows.json'), 'utf8')) as Table
  const { labels: _, ...rest } = spec
  const given: ModelSpec = { ...rest, model: name, serves: { output: 'regression', ...serves } }
  await registry.applySpec(ctx, given)
  const blob = await ctx.blobs.put(readFileSync(join(folder, 'model.onnx')))
  const { digest } = await artifacts.create(ctx, { files: [{ path: 'model.onnx', ...blob }] })
  const kind = serves.upstream ? ({ flavor: 'remote' } as const) : ({ flavor: 'onnx', artifact: digest } as const)
  const version = {
    model: name,
    ...kind,
    signature: {
      inputs: columns.map((column) => ({ name: column, type: 'number' as const })),
      output: { name: 'variable', type: 'number' as const },
    },
  }
  const live = await registry.registerVersion(ctx, version)
  const other = shadow ? await registry.registerVersion(ctx, version) : undefined
  const routing = {
    endpoint: name,
    live: { release: `${name}.r1`, version: live.version },
    canary: null,
    shadow: other ? { release: `${name}.r2`, version: other.version } : null,
    warm: [],
  }
  await serving.prepareRouting(ctx, routing)
  await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
}

for (const wanted of JSON.parse(endpoints) as Wanted[]) await establish(app.ctx, wanted)
process.stdout.write(`${await app.listen({ port: 0 })}\n`)

process.stdin.resume()
process.stdin.on('end', async () => {
  await app.close()
  rmSync(root, { recursive: true, force: true })
  process.exit(0)
})
