import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/core/config.ts'
import type { ModelSpec } from '../../src/domains/registry/spec/model-spec.ts'
import { addEndpoint } from '../../test/interop/serving-endpoint.ts'
import type { Table } from './model.ts'

/** `serves` adds to the spec; `shadow` sends every request to a second version too; `folder` has another model. */
export type BenchServerInput = {
  name: string
  folder?: string
  serves?: Partial<ModelSpec['serves']>
  shadow?: boolean
}

/**
 * `server.ts <folder> <egress> <endpoints as JSON>`: a server in a process of its own, with the ONNX model of the folder
 * behind every endpoint that names no upstream. It prints its address, and ends when its input does.
 */
const [folder = '', egress = '', endpoints = '[]'] = process.argv.slice(2)
const { columns } = JSON.parse(readFileSync(join(folder, 'rows.json'), 'utf8')) as Table
const root = mkdtempSync(join(tmpdir(), 'keel-bench-serving-'))
const { config } = resolveConfig({ environment: {} })
const app = await createApp({ config: { ...config, port: '0', log: 'error', egress }, root })

for (const { name, folder: own = folder, serves, shadow } of JSON.parse(endpoints) as BenchServerInput[]) {
  const kind = serves?.upstream
    ? ({ flavor: 'remote' } as const)
    : ({ flavor: 'onnx', path: join(own, 'model.onnx') } as const)
  await addEndpoint(app.ctx, { name, columns, serves, shadow, ...kind })
}
process.stdout.write(`${await app.listen({ port: 0 })}\n`)

process.stdin.resume()
process.stdin.on('end', async () => {
  await app.close()
  rmSync(root, { recursive: true, force: true })
  process.exit(0)
})
