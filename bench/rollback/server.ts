import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/core/config.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import { establish, register, spec } from '../../test/support/trips.ts'

/** A server with two versions of one model, in a process of its own; it ends when its input does. */
const root = mkdtempSync(join(tmpdir(), 'keel-bench-rollback-'))
const { config } = resolveConfig({ environment: {} })
const app = await createApp({ config: { ...config, port: '0', log: 'error' }, root })
await establish(app.ctx)
// Both versions answer alike, so each is judged against the baseline, not against the other.
await registry.applySpec(app.ctx, {
  ...spec,
  success: { quality: { ...spec.success.quality, against: 'baseline' } },
})
await register(app.ctx, 'good')
await register(app.ctx, 'good')
process.stdout.write(`${await app.listen({ port: 0 })}\n`)

process.stdin.resume()
process.stdin.on('end', async () => {
  await app.close()
  rmSync(root, { recursive: true, force: true })
  process.exit(0)
})
