import { Counter, Gauge, type Registry } from 'prom-client'
import type { Context } from '../../core/context.ts'
import { threadRestarts } from '../../core/onnx/onnx.ts'
import * as serving from '../../domains/serving/serving.ts'

/** What the gateway did besides answering: who stood in, who was turned away, which instances are not asked. */
export function gatewayMetrics(ctx: Context, registry: Registry): void {
  const registers = [registry]
  const byModel = ['model']
  const stoodIn = new Counter({
    name: 'keel_fallback_answers_total',
    help: 'Answers that another release gave for one that could not',
    labelNames: byModel,
    registers,
  })
  const refused = new Counter({
    name: 'keel_refused_requests_total',
    help: 'Requests turned away because the queue of the release was full',
    labelNames: byModel,
    registers,
  })
  const running = new Gauge({
    name: 'keel_calls_running',
    help: 'Calls that models are answering at this moment',
    labelNames: byModel,
    registers,
  })
  const ejected = new Gauge({
    name: 'keel_upstream_instances_ejected',
    help: 'Instances elsewhere that are not asked because they failed',
    labelNames: byModel,
    registers,
  })
  const restarts = new Gauge({
    name: 'keel_model_process_restarts',
    help: 'Times that the loaded processes were started again',
    labelNames: byModel,
    registers,
  })
  const marked = new Counter({
    name: 'keel_marked_answers_total',
    help: 'Answers with something to be said of them, such as cut_off, refused or stand_in, by mark',
    labelNames: ['model', 'release', 'mark'],
    registers,
  })
  for (const endpoint of serving.listEndpoints(ctx).items)
    for (const { release } of endpoint.versions)
      for (const [mark, count] of Object.entries(serving.counters(ctx).get(release)?.marks ?? {}))
        marked.inc({ model: endpoint.name, release, mark }, count)
  const dropped = new Counter({
    name: 'keel_shadow_copies_dropped_total',
    help: 'Copies of requests that no shadow was asked about',
    registers,
  })
  const threads = new Gauge({
    name: 'keel_model_thread_restarts',
    help: 'Threads of models that ended and were started again',
    registers,
  })
  for (const endpoint of serving.listEndpoints(ctx).items) {
    const model = endpoint.name
    const sum = (of: (version: (typeof endpoint.versions)[number]) => number) =>
      endpoint.versions.reduce((total, version) => total + of(version), 0)
    stoodIn.inc({ model }, endpoint.stoodIn)
    refused.inc(
      { model },
      sum((version) => version.refused),
    )
    running.set(
      { model },
      sum((version) => version.running),
    )
    ejected.set(
      { model },
      sum(({ instances = [] }) => instances.filter(({ state }) => state !== 'closed').length),
    )
    restarts.set(
      { model },
      sum(({ restarts = 0 }) => restarts),
    )
  }
  dropped.inc(serving.droppedShadows(ctx))
  threads.set(threadRestarts(ctx))
}
