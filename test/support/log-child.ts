import { createApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/core/config.ts'
import { transaction } from '../../src/core/transaction.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { establish, model, register } from './trips.ts'

/** `log-child.ts <folder> <database>`: answers 50 requests that reach the disk and 20 that do not, and dies by SIGKILL. */
const [root = '', database = ''] = process.argv.slice(2)
const { config } = resolveConfig({ environment: {} })
const { ctx } = await createApp({ config: { ...config, port: '0', log: 'silent', database }, root })
await establish(ctx)
const version = await register(ctx, 'good')
await registry.setBaseline(ctx, { model, value: 0.5 })
const routing = { endpoint: model, live: { release: `${model}.r1`, version }, canary: null, shadow: null, warm: [] }
await serving.prepareRouting(ctx, routing)
await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
const ask = (id: string) =>
  serving.predict(ctx, { endpoint: model, id, inputs: { city: 'Bonn', good: 0.7, wrong: 0.3 } })
for (let index = 0; index < 50; index++) await ask(`written-${index}`)
await serving.flushLog(ctx)
for (let index = 0; index < 20; index++) await ask(`lost-${index}`)
process.kill(process.pid, 'SIGKILL')
