import type { TestContext } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { startLlm } from '../../../test/support/llm.ts'
import { spec } from '../../../test/support/trips.ts'
import { transaction } from '../../core/transaction.ts'
import * as evaluation from '../../domains/evaluation/evaluation.ts'
import * as registry from '../../domains/registry/registry.ts'
import type { ModelSpec } from '../../domains/registry/spec/model-spec.ts'
import * as serving from '../../domains/serving/serving.ts'

export const bot = 'support-bot'
const prices = { 'tiny/input_token': 0.001, 'tiny/output_token': 0.01 }

type ChatOptions = {
  prompts?: string[]
  serves?: Partial<ModelSpec['serves']>
  /** What the spec says of the provider, besides its place. */
  provider?: Omit<NonNullable<ModelSpec['serves']['provider']>, 'url' | 'model'>
  canary?: number
  shadow?: boolean
  warm?: boolean
  /** The built-in baseline is live, and the first version in its shadow. */
  first?: boolean
  /** Name of the variable that holds the provider's key. */
  key?: string
}

/** An endpoint that is a prompt, before a language model of the test. */
export async function begin(
  t: TestContext,
  {
    prompts = ['{{question}}'],
    serves = {},
    provider: said = { temperature: 0 },
    canary,
    shadow,
    warm,
    first,
    key,
  }: ChatOptions = {},
) {
  const llm = await startLlm()
  t.after(() => llm.close())
  const { app, url, client } = await testServer(t, { settings: { egress: '127.0.0.1' } })
  const { ctx } = app
  await evaluation.setPrices(ctx, { prices })
  const provider = { url: llm.url, model: 'tiny', ...said, ...(key === undefined ? {} : { key }) }
  await registry.applySpec(ctx, {
    ...spec,
    model: bot,
    serves: { output: 'text', provider, log: { content: true }, ...serves },
  })
  for (const prompt of prompts) await registry.registerVersion(ctx, { model: bot, flavor: 'prompt', prompt })
  const second = { release: `${bot}.r2`, version: 2 }
  const release = { release: `${bot}.r1`, version: 1 }
  const routing = {
    endpoint: bot,
    live: first === true ? { release: `${bot}.r0`, version: 0 } : release,
    canary: canary === undefined ? null : { ...second, share: canary, salt: 's' },
    shadow: first === true ? release : shadow === true ? second : null,
    warm: warm === true ? [second] : [],
  }
  await serving.prepareRouting(ctx, routing)
  await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
  const post = (path: string, body: object, init: RequestInit = {}) =>
    fetch(`${url}/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ model: bot, ...body }),
      ...init,
    })
  const chat = (content: string, more: object = {}, init: RequestInit = {}) =>
    post('/chat/completions', { messages: [{ role: 'user', content }], ...more }, init)
  const logged = async (forced = true) => serving.readLog(ctx, { endpoint: bot, from: '', forced })
  return { app, ctx, url, client, llm, post, chat, logged }
}
