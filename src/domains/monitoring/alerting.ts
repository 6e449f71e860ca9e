import type { Static } from 'typebox'
import type { Context } from '../../core/context.ts'
import type { Estimate } from '../../core/contract.ts'
import { append } from '../../core/events.ts'
import type { Signal, Window as WindowSchema } from './contract.ts'
import * as store from './store.ts'

/** Something that a window found beyond its threshold. */
export type Finding = {
  signal: Signal
  subject: string
  severity: 'page' | 'digest'
  summary: string
  value: Estimate
  threshold: number
  thresholdFrom: string
}

/** One alert per signal and subject: it fires once, goes on while it lasts, and is resolved by the first window without it. */
export async function settle(ctx: Context, window: Static<typeof WindowSchema>, findings: Finding[]): Promise<void> {
  const { model } = window
  for (const finding of findings) {
    const firing = await store.firingAlert(ctx, model, finding.signal, finding.subject)
    const values = {
      summary: finding.summary,
      window_from: window.from,
      window_to: window.to,
      value: JSON.stringify(finding.value),
      threshold: finding.threshold,
      threshold_from: finding.thresholdFrom,
      release: window.release,
    }
    if (firing) {
      await store.updateAlert(ctx, firing.id, values)
      continue
    }
    const id = ctx.id('alert')
    const at = ctx.now().toISOString()
    const { signal, subject, severity } = finding
    await store.insertAlert(ctx, {
      id,
      model,
      signal,
      subject,
      severity,
      state: 'firing',
      ...values,
      verdict: null,
      note: null,
      fired_at: at,
      resolved_at: null,
    })
    await append(ctx, 'monitoring.alert_fired', `model/${model}`, {
      alert: id,
      signal,
      severity,
      summary: finding.summary,
      release: window.release,
    })
  }
  for (const alert of await store.listAlerts(ctx, { model, state: 'firing', limit: 1_000 })) {
    const still = findings.some(({ signal, subject }) => signal === alert.signal && subject === alert.subject)
    if (still) continue
    await store.updateAlert(ctx, alert.id, { state: 'resolved', resolved_at: ctx.now().toISOString() })
    await append(ctx, 'monitoring.alert_resolved', `model/${model}`, { alert: alert.id, signal: alert.signal })
  }
}
