import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import { append } from '../../core/work/work.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import type { monitoring } from './contract.ts'
import type { AlertsTable } from './schema.ts'
import * as store from './store.ts'
import {
  hourMilliseconds,
  referenceOf,
  residualColumn,
  settingsOf,
  sketchesAgainst,
  summaryOf,
  type Window,
  windowOf,
} from './windows/windows.ts'

export { receiveAlerts } from './alerts/external.ts'
export { alertLostLog } from './alerts/lost-predictions.ts'
export { sendEmail, setSinks, storedSinks, tellByEmail } from './alerts/receivers.ts'
export { endSilence, listRules, listSilences, silence } from './alerts/silences.ts'
export { type FileDrift, fileDrift, type Tool } from './files/file-drift.ts'
export { lookAtSource, planLook } from './sources/source-watch.ts'
export { lookAtLabels } from './windows/late-labels.ts'
export { leaks, servedSkew, skew } from './windows/skew.ts'
export { sampleTraffic } from './windows/traffic-sample.ts'
export { closeWindow, type Window, watch } from './windows/window.ts'

type Operations = typeof monitoring
export type Alert = Output<Operations['getAlert']>

export async function series(
  ctx: Context,
  { model, from, to, limit = 1000 }: Input<Operations['series']>,
): Promise<Output<Operations['series']>> {
  await registry.getModel(ctx, { model })
  const bounds = [
    from === undefined ? '' : new Date(from).toISOString(),
    to === undefined ? '9999' : new Date(to).toISOString(),
  ] as const
  const rows = await store.listWindows(ctx, model, ...bounds, limit)
  return { items: rows.map(windowOf) }
}

export async function latestWindow(ctx: Context, { model }: { model: string }): Promise<Window | null> {
  const row = await store.latestWindow(ctx, model)
  return row ? windowOf(row) : null
}

/** Drift says that the world moved, never that the model became wrong: that is what the labels of the same window say. */
export async function drift(
  ctx: Context,
  { model, against = 'training' }: Input<Operations['drift']>,
): Promise<Output<Operations['drift']>> {
  await registry.getModel(ctx, { model })
  const window = await latestWindow(ctx, { model })
  if (!window) return { model, window, reference: 'no window is complete yet', meaning: 'Nothing can be said yet.' }
  const compared = against === 'training' ? undefined : await sketchesAgainst(ctx, window, against)
  const drift = compared ? compared.drift : window.drift
  const sorted = [...drift].sort((a, b) => b.psi / b.critical - a.psi / a.critical)
  const reference = compared ? compared.reference : `the training set of ${window.release}`
  const shown = { ...window, drift: sorted }
  // The classifier compared with the training set alone.
  if (compared) delete shown.domain
  return { model, window: shown, reference, meaning: meaningOf(window) }
}

function meaningOf({ labelled, bias, knownUpTo }: Window): string {
  if (labelled === 0) return 'No labels are known for this window: whether the answers became wrong cannot be seen yet.'
  const lower = bias.lower ?? 0
  const upper = bias.upper ?? 0
  const unbiased = lower <= 0 && upper >= 0
  return unbiased
    ? `Labels known up to ${knownUpTo ?? 'now'} show no bias: what moved has not harmed so far.`
    : `Labels known up to ${knownUpTo ?? 'now'} show a bias of ${(bias.value ?? 0).toFixed(3)} [${lower.toFixed(3)}, ${upper.toFixed(3)}].`
}

const defaultSketches = 100

export async function sketches(
  ctx: Context,
  { model, release, column, from, to, limit = defaultSketches }: Input<Operations['sketches']>,
): Promise<Output<Operations['sketches']>> {
  const live = release ?? serving.currentRouting(ctx, model)?.live.release
  if (live === undefined) return { items: [] }
  const rows = await store.listSketches(ctx, {
    scope: `release/${live}`,
    from: from === undefined ? '' : new Date(Date.parse(from) - hourMilliseconds + 1).toISOString(),
    to: to === undefined ? '9999' : new Date(to).toISOString(),
    column,
    limit,
  })
  return {
    items: rows.map((row) => ({
      scope: row.scope,
      column: row.column_name,
      hour: row.hour,
      rows: Number(row.value_count),
      ...summaryOf(row),
    })),
  }
}

export async function listAlerts(
  ctx: Context,
  { model, state, cursor, limit = 100 }: Input<Operations['listAlerts']>,
): Promise<Output<Operations['listAlerts']>> {
  const rows = await store.listAlerts(ctx, { model, state, before: cursor, limit })
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items: rows.map(toAlert), ...(last ? { next: last.id } : {}) }
}

export async function alertsBetween(
  ctx: Context,
  { model, from, to }: { model: string; from: string; to: string },
): Promise<Alert[]> {
  return (await store.alertsBetween(ctx, model, from, to)).map(toAlert)
}

export async function getAlert(ctx: Context, { alert }: Input<Operations['getAlert']>): Promise<Alert> {
  return toAlert(await requireAlert(ctx, alert))
}

export function judgeAlert(ctx: Context, { alert, verdict, note }: Input<Operations['judgeAlert']>): Promise<Alert> {
  return transaction(ctx, async (ctx) => {
    const row = await requireAlert(ctx, alert)
    await store.updateAlert(ctx, alert, { verdict, note: note ?? null })
    await append(ctx, 'monitoring.alert_judged', `model/${row.model}`, { alert, verdict, note: note ?? null })
    return getAlert(ctx, { alert })
  })
}

export async function explainThresholds(
  ctx: Context,
  { model }: Input<Operations['explainThresholds']>,
): Promise<Output<Operations['explainThresholds']>> {
  const spec = await registry.requireSpec(ctx, model)
  const settings = settingsOf(spec)
  const version = serving.currentRouting(ctx, model)?.live.version ?? 0
  const reference = await referenceOf(ctx, model, version, settings)
  const bias = reference?.bias
  const columns = (reference?.columns ?? []).filter(({ column }) => column !== residualColumn)
  return {
    thresholds: [
      {
        signal: 'bias',
        threshold: bias?.threshold ?? settings.bias,
        from: bias?.window ? `largest bias in the training windows of v${version}` : 'the spec, or its default',
        detail: { window: bias?.window ?? null, floor: settings.bias },
      },
      {
        signal: 'errors',
        threshold: settings.badRate,
        from: 'delivery.rollout.bad_rate of the spec, or its default',
        detail: {},
      },
      ...columns.map(({ column, threshold }) => ({
        signal: 'drift' as const,
        threshold: Math.max(threshold, settings.effect),
        from: 'the larger of the size of effect and the furthest that training windows strayed',
        detail: { column, training: threshold, effect: settings.effect },
      })),
    ],
  }
}

async function requireAlert(ctx: Context, id: string): Promise<AlertsTable> {
  const row = await store.findAlert(ctx, id)
  if (!row) throw notFound('Alert', id, 'List them with "keel alerts".')
  return row
}

function toAlert(row: AlertsTable): Alert {
  return {
    id: row.id,
    model: row.model,
    signal: row.signal as Alert['signal'],
    severity: row.severity as Alert['severity'],
    state: row.state as Alert['state'],
    summary: row.summary,
    release: row.release,
    window: { from: row.window_from, to: row.window_to },
    value: JSON.parse(row.value) as Alert['value'],
    threshold: row.threshold,
    thresholdFrom: row.threshold_from,
    verdict: row.verdict as Alert['verdict'],
    firedAt: row.fired_at,
    resolvedAt: row.resolved_at,
    subject: row.subject,
    seen: Number(row.seen),
    quiet: row.quiet,
    ...(row.labels === null ? {} : { labels: JSON.parse(row.labels) as Record<string, string> }),
  }
}
