import type { Context } from '../../../core/context.ts'
import * as pipelines from '../../pipelines/pipelines.ts'
import * as registry from '../../registry/registry.ts'
import { defaultRules } from '../rules.ts'
import { settingsOf } from '../settings.ts'
import * as store from '../store.ts'
import { type AlertPolicy, type DetectedSignal, raiseByRule, resolveAndTell } from './alerting.ts'

type Operation = { model: string; subject: string; severity: 'page' | 'digest'; expected: string; release?: string }

/** One alert as long as something fails that happens by itself: the next time that it goes well resolves it. */
export async function alertWhile(ctx: Context, operation: Operation, problem: string | null): Promise<void> {
  const { model, subject, severity, expected, release = '' } = operation
  const open = await store.firingAlert(ctx, model, 'operation', subject)
  if (problem === null) {
    if (open) await resolveAndTell(ctx, open)
    return
  }
  const at = ctx.now().toISOString()
  if (open) {
    await store.updateAlert(ctx, open.id, { summary: problem, window_to: at, seen: Number(open.seen) + 1 })
    return
  }
  const detected: DetectedSignal = {
    signal: 'operation',
    subject,
    severity,
    summary: problem,
    value: { value: null, n: 0 },
    threshold: 0,
    thresholdFrom: expected,
  }
  await raiseByRule(ctx, detected, { model, release, from: at, to: at }, await policyOf(ctx, model))
}

/** Of a pipeline or a source, which have no spec, the defaults. */
async function policyOf(ctx: Context, model: string): Promise<AlertPolicy> {
  const spec = await registry.currentSpec(ctx, model)
  return spec ? settingsOf(spec) : { rules: defaultRules, alertsPerWeek: Number.POSITIVE_INFINITY }
}

type Ended = { error: string | null }

/** A job that belongs to a model, or to a source (`source.<name>`), and is planned by the platform itself. */
export function alertJob(
  ctx: Context,
  { model, what }: { model: string; what: string },
  { error }: Ended,
): Promise<void> {
  const problem = error === null ? null : `The ${what} failed: ${error}`
  return alertWhile(ctx, { model, subject: what, severity: 'page', expected: 'what is planned is done' }, problem)
}

/** A drill that did not pass is a rollback that would not work. */
export function alertDrill(
  ctx: Context,
  { model, from, to, passed }: { model: string; from: string; to: string; passed: boolean },
): Promise<void> {
  const error = passed ? null : `from "${from}" to "${to}", the release that was switched to did not answer.`
  return alertJob(ctx, { model, what: 'drill' }, { error })
}

/**
 * A scheduled pipeline run that failed, under the model that the pipeline makes, whose owner, rules and budget of pages it
 * then has; of a pipeline that makes none, or several, under its own name.
 */
export async function alertPipeline(ctx: Context, pipeline: string, problem: string | null): Promise<void> {
  const subject = `pipeline/${pipeline}`
  const expected = 'what is scheduled succeeds'
  if (problem === null) {
    for (const open of await store.firingOf(ctx, 'operation', subject)) await resolveAndTell(ctx, open)
    return
  }
  const [open] = await store.firingOf(ctx, 'operation', subject)
  const models = await registry.modelsOfRuns(ctx, await pipelines.trackingRuns(ctx, pipeline))
  const [only = `pipeline.${pipeline}`, another] = models
  const model = open?.model ?? (another === undefined ? only : `pipeline.${pipeline}`)
  await alertWhile(ctx, { model, subject, severity: 'page', expected }, problem)
}

const started = 'what is to answer is loaded'

export function alertNotStarted(
  ctx: Context,
  { model, release, reason }: { model: string; release: string; reason: string | null },
): Promise<void> {
  const problem = reason === null ? null : `"${release}" could not be started: ${reason}`
  return alertWhile(ctx, { model, subject: `start/${release}`, severity: 'page', expected: started, release }, problem)
}

/** A release that is not to answer any more need not start. */
export async function forgetNotStarted(
  ctx: Context,
  { model, named }: { model: string; named: readonly string[] },
): Promise<void> {
  const open = await store.listAlerts(ctx, { model, state: 'firing', limit: 1_000 })
  for (const alert of open) {
    if (alert.signal !== 'operation' || !alert.subject.startsWith('start/')) continue
    if (!named.includes(alert.subject.slice('start/'.length))) await resolveAndTell(ctx, alert)
  }
}
