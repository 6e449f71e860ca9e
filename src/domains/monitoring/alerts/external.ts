import { createHash } from 'node:crypto'
import { latestOf } from '../../../core/background/background.ts'
import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { canonicalJson } from '../../../core/json/json.ts'
import { dateOf, isoOf } from '../../../core/tables/tables.ts'
import { transaction } from '../../../core/transaction.ts'
import { events as delivery } from '../../delivery/events.ts'
import type { monitoring } from '../contract.ts'
import * as store from '../store.ts'
import { recordExternal, resolveAlert } from './alerting.ts'

type Operations = typeof monitoring
type ExternalAlert = Input<Operations['receiveAlerts']>['alerts'][number]

/** Labels that may name a model, the most specific first. */
const modelLabels = ['keel_model', 'model', 'endpoint', 'service', 'job']
const unassigned = 'unassigned'

/** Records alerts of Alertmanager and Grafana, each linked to the release that was live when it began. */
export async function receiveAlerts(
  ctx: Context,
  { alerts }: Input<Operations['receiveAlerts']>,
): Promise<Output<Operations['receiveAlerts']>> {
  return transaction(ctx, async (ctx) => {
    const ids: string[] = []
    for (const alert of alerts) ids.push(await receiveAlert(ctx, alert))
    return { alerts: ids }
  })
}

async function receiveAlert(ctx: Context, alert: ExternalAlert): Promise<string> {
  const fingerprint =
    alert.fingerprint ?? createHash('sha256').update(canonicalJson(alert.labels)).digest('hex').slice(0, 16)
  const startsAt = timeOf(alert.startsAt) ?? ctx.now().toISOString()
  const endsAt = timeOf(alert.endsAt)
  const { model, release } = await liveAt(ctx, alert.labels, startsAt)
  const known = await store.firingAlert(ctx, model, 'external', fingerprint)
  const over = alert.status === 'resolved'
  if (known) {
    if (over) await resolveAlert(ctx, known, endsAt ?? ctx.now().toISOString())
    return known.id
  }
  const name = alert.labels['alertname'] ?? 'alert'
  const text = alert.annotations?.['summary'] ?? alert.annotations?.['description'] ?? ''
  const row = await recordExternal(
    ctx,
    {
      signal: 'external',
      subject: fingerprint,
      severity: 'page',
      summary: `${name}${text === '' ? '' : `: ${text}`}`.slice(0, 1000),
      value: { value: null, n: 0 },
      threshold: 0,
      thresholdFrom: 'another alerting system',
    },
    { model, release, from: startsAt, to: endsAt ?? startsAt, labels: alert.labels, firedAt: startsAt },
  )
  if (over) await resolveAlert(ctx, row, endsAt ?? ctx.now().toISOString())
  return row.id
}

/** Alertmanager writes the year 1 for "not over". */
function timeOf(text: string | undefined): string | undefined {
  const time = text === undefined ? Number.NaN : dateOf(text).getTime()
  return Number.isNaN(time) || time < 0 ? undefined : isoOf(time)
}

const maxEvents = 1_000

/** The model that a label names, and the release that was live at that time by the audit log. */
async function liveAt(
  ctx: Context,
  labels: Record<string, string>,
  at: string,
): Promise<{ model: string; release: string }> {
  for (const label of modelLabels) {
    const named = labels[label]
    if (named === undefined) continue
    const changes = await latestOf(ctx, delivery, {
      type: 'delivery.live_changed',
      subject: `model/${named}`,
      limit: maxEvents,
    })
    if (changes.length === 0) continue
    const live = changes.find((event) => event.at <= at)
    return { model: named, release: live?.data.release ?? '' }
  }
  return { model: unassigned, release: '' }
}
