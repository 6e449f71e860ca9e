import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { notFound } from '../../../core/errors.ts'
import { nextOf } from '../../../core/paging.ts'
import { transaction } from '../../../core/transaction.ts'
import type { monitoring } from '../contract.ts'
import { append } from '../events.ts'
import type { AlertRecord } from '../store.ts'
import * as store from '../store.ts'

type Operations = typeof monitoring

export type Alert = Output<Operations['getAlert']>

export async function listAlerts(
  ctx: Context,
  { model, state, cursor, limit = 100 }: Input<Operations['listAlerts']>,
): Promise<Output<Operations['listAlerts']>> {
  const rows = await store.listAlerts(ctx, { model, state, before: cursor, limit })
  return { items: rows.map(toAlert), ...nextOf(rows, limit, ({ id }) => id) }
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

async function requireAlert(ctx: Context, id: string): Promise<AlertRecord> {
  const row = await store.findAlert(ctx, id)
  if (!row) throw notFound('Alert', id, 'List them with "keel alerts".')
  return row
}

function toAlert(row: AlertRecord): Alert {
  return {
    id: row.id,
    model: row.model,
    signal: row.signal as Alert['signal'],
    severity: row.severity,
    state: row.state,
    summary: row.summary,
    release: row.release,
    window: { from: row.window_from, to: row.window_to },
    value: row.value,
    threshold: row.threshold,
    thresholdFrom: row.threshold_from,
    verdict: row.verdict as Alert['verdict'],
    firedAt: row.fired_at,
    resolvedAt: row.resolved_at,
    subject: row.subject,
    seen: row.seen,
    quiet: row.quiet,
    ...(row.labels === null ? {} : { labels: row.labels }),
  }
}
