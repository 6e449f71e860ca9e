import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../../src/core/context.ts'
import { transaction } from '../../src/core/transaction.ts'
import * as artifacts from '../../src/domains/artifacts/artifacts.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import type { ModelSpec } from '../../src/domains/registry/spec/model-spec.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { spec } from '../support/trips.ts'

/** An endpoint with one live version, whose bytes are a file or a folder; `shadow` sends every request to a second version too. */
export type Endpoint = {
  name: string
  columns: string[]
  path?: string | undefined
  flavor: 'onnx' | 'remote'
  serves?: Partial<ModelSpec['serves']> | undefined
  shadow?: boolean | undefined
}

export async function addEndpoint(ctx: Context, endpoint: Endpoint): Promise<void> {
  const { name, columns, path, flavor, serves = {}, shadow = false } = endpoint
  const { labels: _, ...rest } = spec
  await registry.applySpec(ctx, { ...rest, model: name, serves: { output: 'regression', ...serves } })
  const version = {
    model: name,
    flavor,
    ...(path === undefined ? {} : { artifact: await keep(ctx, path) }),
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

async function keep(ctx: Context, path: string): Promise<string> {
  const names = statSync(path).isDirectory() ? readdirSync(path) : undefined
  const files = []
  for (const name of names ?? [''])
    files.push({ path: name || 'model.onnx', ...(await ctx.blobs.put(readFileSync(join(path, name)))) })
  return (await artifacts.create(ctx, { files })).digest
}
