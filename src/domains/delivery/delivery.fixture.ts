import type { TestContext } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { gated, model, tripAt } from '../../../test/support/trips.ts'
import { until } from '../../../test/support/until.ts'
import { hour } from '../../core/duration.ts'
import * as serving from '../serving/serving.ts'

/** A server with a gated first version, and what tests do with it. */
export async function begin(t: TestContext) {
  const { app, client, url } = await testServer(t, { from: gated })
  const version = 1
  let asked = 0

  /** Requests, each answered, also by the shadow where there is one: it answers behind the callers. */
  async function traffic(requests: number): Promise<void> {
    const shadowed = serving.currentRouting(app.ctx, model)?.shadow
    const copies = async () => {
      const { pairs, dropped } = await serving.shadow(app.ctx, { endpoint: model })
      return pairs + dropped
    }
    const before = shadowed ? await copies() : 0
    for (let index = 0; index < requests; index++) {
      const { city, good, wrong } = tripAt(asked)
      await serving.predict(app.ctx, { endpoint: model, id: `p${asked}`, inputs: { city, good, wrong } })
      asked += 1
    }
    if (shadowed) await until(async () => (await copies()) >= before + requests, 'the answers of the shadow')
  }
  async function pass(hours: number, requests: number): Promise<void> {
    await traffic(requests)
    await client.system.advanceClock({ to: new Date(app.ctx.now().getTime() + hours * hour).toISOString() })
  }
  /** Shadow and one step, each with enough traffic. */
  async function goLive(): Promise<void> {
    await pass(1.1, 60)
    await pass(1.1, 200)
  }
  /** Events about the model since the beginning, by type. */
  async function count(type: string): Promise<number> {
    const { items } = await client.system.events({ subject: `model/${model}`, limit: 1_000 })
    return items.filter((event) => event.type === type).length
  }
  return { app, client, url, version, traffic, pass, goLive, count }
}
