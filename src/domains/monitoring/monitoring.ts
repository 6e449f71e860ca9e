import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import { append } from '../../core/events.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import type { monitoring } from './contract.ts'
import { referenceOf } from './reference.ts'
import type { AlertsTable } from './schema.ts'
import { settingsOf } from './settings.ts'
import * as store from './store.ts'
import type { Window } from './window.ts'

export { sampleTraffic } from './traffic-sample.ts'
export { closeWindow, type Window, watch } from './window.ts'

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
  return { items: rows.map(({ content }) => JSON.parse(content) as Window) }
}

export async function latestWindow(ctx: Context, { model }: { model: string }): Promise<Window | null> {
  const row = await store.latestWindow(ctx, model)
  return row ? (JSON.parse(row.content) as Window) : null
}

export async function drift(ctx: Context, { model }: Input<Operations['drift']>): Promise<Output<Operations['drift']>> {
  await registry.getModel(ctx, { model })
  const window = await latestWindow(ctx, { model })
  if (!window) return { model, window, reference: 'no window is complete yet' }
  const sorted = [...window.drift].sort((a, b) => b.psi / b.critical - a.psi / a.critical)
  return { model, window: { ...window, drift: sorted }, reference: `the training set of ${window.release}` }
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
      ...(reference?.bins ?? []).map(({ column, threshold }) => ({
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
  }
}
