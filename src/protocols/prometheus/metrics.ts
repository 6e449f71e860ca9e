import { Counter, Gauge, type Metric, Registry } from 'prom-client'
import type { Context } from '../../core/context.ts'
import { millisecondsOf } from '../../core/time.ts'
import * as monitoring from '../../domains/monitoring/monitoring.ts'
import * as serving from '../../domains/serving/serving.ts'
import { version } from '../../version.ts'
import { gatewayMetrics } from './gateway-metrics.ts'
import { llmMetrics } from './llm-metrics.ts'
import { requestDurations } from './requests.ts'

/** Everything that is exported, as it is now. */
export async function collect(ctx: Context): Promise<Registry> {
  const registry = new Registry()
  serviceMetrics(ctx, registry)
  gatewayMetrics(ctx, registry)
  await windowMetrics(ctx, registry)
  await alertMetrics(ctx, registry)
  processMetrics(registry)
  registry.registerMetric(requestDurations(ctx) as unknown as Metric)
  return registry
}

/** Releases beyond this many, the oldest first, are counted together. */
const maxReleases = 200
const otherReleases = 'other'

function serviceMetrics(ctx: Context, registry: Registry): void {
  const registers = [registry]
  const requests = new Counter({
    name: 'keel_predictions_total',
    help: 'Answers given',
    labelNames: ['release'],
    registers,
  })
  const bad = new Counter({
    name: 'keel_bad_answers_total',
    help: 'Answers that failed, were slow or invalid',
    labelNames: ['release', 'kind'],
    registers,
  })
  const dropped = new Gauge({
    name: 'keel_prediction_log_dropped',
    help: 'Log records lost because the buffer was full',
    registers,
  })
  const failing = new Gauge({
    name: 'keel_prediction_log_failing',
    help: '1 while answers cannot be written down',
    registers,
  })
  const redacted = new Counter({
    name: 'keel_prediction_log_redactions_total',
    help: 'Values that were masked or left out of the prediction log',
    registers,
  })
  const live = new Gauge({
    name: 'keel_live_release',
    help: 'Always 1: which release answers ordinary traffic',
    labelNames: ['model', 'release'],
    registers,
  })
  const addLlm = llmMetrics(registry)
  const counters = [...serving.counters(ctx)]
  for (const [index, [release, counts]] of counters.entries()) {
    const label = index < counters.length - maxReleases ? otherReleases : release
    requests.inc({ release: label }, counts.requests)
    for (const [kind, count] of Object.entries(counts.bad)) bad.inc({ release: label, kind }, count)
    addLlm(label, counts)
  }
  dropped.set(serving.droppedRecords(ctx))
  const { failing: unwell, redactions } = serving.logState(ctx)
  failing.set(Number(unwell))
  redacted.inc(redactions)
  for (const { name, routing } of serving.listEndpoints(ctx).items)
    live.set({ model: name, release: routing.live.release }, 1)
}

/** The newest window of each model: what labels, confidence and inputs said. */
async function windowMetrics(ctx: Context, registry: Registry): Promise<void> {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `keel_window_${name}`, help, labelNames: ['model'], registers: [registry] })
  const gauges = {
    end: gauge('end_timestamp_seconds', 'End of the newest complete window'),
    requests: gauge('requests', 'Answers in the newest window'),
    labelled: gauge('labelled', 'Of these, with a label'),
    bias: gauge('bias', 'Mean prediction minus mean label'),
    lower: gauge('bias_lower', 'Lower bound of the bias (95 %)'),
    upper: gauge('bias_upper', 'Upper bound of the bias (95 %)'),
    auc: gauge('auc', 'Area under the ROC curve'),
    logLoss: gauge('log_loss', 'Mean log loss'),
    absoluteError: gauge('absolute_error', 'Mean distance of answer and label, where the answer is a quantity'),
    errors: gauge('error_ratio', 'Share of bad answers'),
    p95: gauge('latency_p95_seconds', '95th percentile of the latency'),
    cost: gauge('cost_per_1k', "Cost of a thousand answers, in the price table's currency"),
    accuracy: gauge('estimated_accuracy', 'Accuracy without labels, by confidence; blind to a change of meaning'),
    drifted: gauge('drifted_columns', 'Columns that moved away from training'),
    domain: gauge('domain_auc', 'How well a classifier tells the window from training; 0.5 is alike'),
  }
  const metric = new Gauge({
    name: 'keel_window_metric',
    help: 'Each metric of the newest window, by the kind of the answers and by the spec',
    labelNames: ['model', 'metric'],
    registers: [registry],
  })
  for (const { name: model } of serving.listEndpoints(ctx).items) {
    const window = await monitoring.latestWindow(ctx, { model })
    if (!window) continue
    const set = (gauge: Gauge, value: number | null | undefined) => {
      if (value !== null && value !== undefined) gauge.set({ model }, value)
    }
    set(gauges.end, millisecondsOf(window.to) / 1000)
    set(gauges.requests, window.requests)
    set(gauges.labelled, window.labelled)
    for (const { metric: name, estimate } of window.metrics ?? [])
      if (estimate.value !== null) metric.set({ model, metric: name }, estimate.value)
    set(gauges.bias, window.bias.value)
    set(gauges.lower, window.bias.lower)
    set(gauges.upper, window.bias.upper)
    set(gauges.auc, window.auc.value)
    set(gauges.logLoss, window.logLoss.value)
    set(gauges.absoluteError, window.absoluteError?.value)
    set(gauges.errors, window.errorRate.value)
    set(gauges.p95, window.p95Ms.value === null ? null : window.p95Ms.value / 1000)
    set(gauges.cost, window.costPer1k?.value)
    set(gauges.accuracy, window.estimated?.accuracy.value)
    const judged = window.drift.length > 0
    set(gauges.drifted, judged ? window.drift.filter(({ drifted }) => drifted).length : null)
    set(gauges.domain, window.domain?.auc.value)
  }
}

const maxFiring = 1000

async function alertMetrics(ctx: Context, registry: Registry): Promise<void> {
  const firing = new Gauge({
    name: 'keel_alerts_firing',
    help: 'Alerts that last, quiet ones left out',
    labelNames: ['model', 'signal', 'severity'],
    registers: [registry],
  })
  const { items } = await monitoring.listAlerts(ctx, { state: 'firing', limit: maxFiring })
  for (const { model, signal, severity, quiet } of items) if (!quiet) firing.inc({ model, signal, severity })
}

function processMetrics(registry: Registry): void {
  const registers = [registry]
  const memory = new Gauge({ name: 'process_resident_memory_bytes', help: 'Memory of the process', registers })
  const cpu = new Counter({ name: 'process_cpu_seconds_total', help: 'Processor time of the process', registers })
  const start = new Gauge({ name: 'process_start_time_seconds', help: 'When the process began', registers })
  const build = new Gauge({ name: 'keel_build_info', help: 'Always 1', labelNames: ['version'], registers })
  const { user, system } = process.cpuUsage()
  memory.set(process.memoryUsage.rss())
  cpu.inc((user + system) / 1e6)
  start.set(Math.round(Date.now() / 1000 - process.uptime()))
  build.set({ version }, 1)
}
