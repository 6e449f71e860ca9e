import type { TestContext } from 'node:test'
import type { Config } from '../../src/core/config.ts'
import { transaction } from '../../src/core/transaction.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import type { ModelSpec } from '../../src/domains/registry/spec/model-spec.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { testServer } from './context.ts'
import { model, registered, spec } from './trips.ts'

export const inputs = { city: 'Bonn', good: 0.7, wrong: 0.3 }
export const everything = { endpoint: model, from: '' }

type Where = { root?: string; settings?: Partial<Config> }

/** An endpoint with one release, whose spec says what is written down. */
export async function begin(t: TestContext, log: ModelSpec['serves']['log'] = {}, where: Where = {}) {
  const ownStores = where.settings !== undefined || where.root !== undefined
  const { app, client, url } = await testServer(t, ownStores ? where : { from: registered })
  if (ownStores) await registered(app.ctx)
  await registry.applySpec(app.ctx, { ...spec, serves: { ...spec.serves, log } })
  const version = 1
  await registry.setBaseline(app.ctx, { model, value: 0.5 })
  const routing = { endpoint: model, live: { release: `${model}.r1`, version }, canary: null, shadow: null, warm: [] }
  await serving.prepareRouting(app.ctx, routing)
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, routing))
  const ask = (id: string, good = 0.7) => client.serving.predict({ endpoint: model, id, inputs: { ...inputs, good } })
  return { app, client, url, ask, routing }
}
