import type { TestContext } from 'node:test'
import type { App } from '../../src/app.ts'
import type { Client } from '../../src/client/client.ts'
import type { Api } from '../../src/contract.ts'
import type { Config } from '../../src/core/config.ts'
import { transaction } from '../../src/core/transaction.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import type { ModelSpec } from '../../src/domains/registry/spec/model-spec.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { testServer } from './context.ts'
import { model, spec } from './trips.ts'

type RunningServer = { app: App; url: string; client: Client<Api>; ask(good: number): Promise<Answer> }
type Answer = { output: number | string; release: string }
type Setup = {
  serves: Partial<ModelSpec['serves']>
  settings?: Partial<Config>
  /** What answers when the version cannot; without it nothing does. */
  baseline?: number
}

/** An endpoint whose live version is one that its spec has answered elsewhere, or by a process of its own. */
export async function serveRemote(t: TestContext, { serves, settings = {}, baseline }: Setup): Promise<RunningServer> {
  const { app, url, client } = await testServer(t, { settings: { egress: '127.0.0.1', ...settings } })
  await registry.applySpec(app.ctx, { ...spec, serves: { output: 'regression', ...serves } })
  await registry.registerVersion(app.ctx, {
    model,
    flavor: 'remote',
    signature: {
      inputs: [{ name: 'good', type: 'number', minimum: -1, maximum: 1_000 }],
      output: { name: 'p', type: 'number' },
    },
  })
  if (baseline !== undefined) await registry.setBaseline(app.ctx, { model, value: baseline })
  const routing = {
    endpoint: model,
    live: { release: `${model}.r1`, version: 1 },
    canary: null,
    shadow: null,
    warm: baseline === undefined ? [] : [{ release: `${model}.r0`, version: 0 }],
  }
  await serving.prepareRouting(app.ctx, routing)
  await transaction(app.ctx, (ctx) => serving.setRouting(ctx, routing))
  return { app, url, client, ask: (good) => client.serving.predict({ endpoint: model, inputs: { good } }) }
}
