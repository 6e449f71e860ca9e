import type { TestContext } from 'node:test'
import { testServer } from '../../../test/support/context.ts'
import { model, registered, spec } from '../../../test/support/trips.ts'
import { hour } from '../../core/duration.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec/model-spec.ts'
import * as serving from '../serving/serving.ts'
import { watch } from './monitoring.ts'

export const release = `${model}.r1`
const day = 24 * hour

type Monitoring = NonNullable<ModelSpec['monitoring']>
type TrafficPlan = {
  rows?: number
  good?: (index: number) => number
  late?: (good: number, index: number) => number
  labelled?: boolean
  extra?: Record<string, unknown>
}

/** The trips project with version 1 live, watched day by day. `live(days)` is traffic, its labels, and the windows that end. */
export async function begin(test: TestContext, monitoring: Monitoring = {}, alertsPerWeek = 5) {
  const server = await testServer(test, { settings: { egress: '127.0.0.1' }, from: registered })
  const { app, client } = server
  const { ctx, worker } = app
  const delivery = { ...spec.delivery, targets: { ...spec.delivery.targets, alerts_per_week: alertsPerWeek } }
  await registry.applySpec(ctx, {
    ...spec,
    delivery,
    monitoring: { every: '1d', anchor: '2026-01-01T00:00:00Z', min_rows: 150, ...monitoring },
  })
  const version = 1
  const routing = { endpoint: model, live: { release, version }, canary: null, shadow: null, warm: [] }
  await serving.prepareRouting(ctx, routing)
  await serving.setRouting(ctx, routing)
  await watch(ctx, { model })
  let sent = 0

  /** Rows spread over the hours of a day that begins now. */
  async function traffic({ rows = 240, good = usual, late = truly, labelled = true }: TrafficPlan = {}): Promise<void> {
    const start = ctx.now().getTime()
    const labels: { id: string; value: number }[] = []
    for (let index = 0; index < rows; index++) {
      const at = new Date(start + Math.floor((index * 23) / rows) * hour)
      if (at > ctx.now()) await worker.advance(at)
      sent += 1
      const id = `p${sent}`
      const value = good(sent)
      await serving.predict(ctx, { endpoint: model, id, inputs: { city: 'Bonn', good: value, wrong: 1 - value } })
      labels.push({ id, value: late(value, sent) })
    }
    if (labelled) await client.serving.label({ endpoint: model, labels })
    await serving.flushLog(ctx)
  }

  async function live(days: number, given: TrafficPlan = {}): Promise<void> {
    for (let count = 0; count < days; count++) {
      const end = new Date((Math.floor(ctx.now().getTime() / day) + 1) * day)
      await traffic(given)
      await worker.advance(end)
      await worker.advance(new Date(end.getTime()))
    }
  }

  /** Lets the labels of the last window mature, so that it closes. */
  async function settleWindows(): Promise<void> {
    await worker.advance(new Date(ctx.now().getTime() + hour))
  }

  return { ...server, ctx, worker, version, traffic, live, settleWindows }
}

const usual = (index: number) => ((index * 7) % 10) / 10 + 0.05
const truly = (good: number, index: number) => ((index * 0.6180339887) % 1 < good ? 1 : 0)
