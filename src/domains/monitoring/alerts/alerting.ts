import { latestEvents, nextTick } from '../../../core/background/background.ts'
import type { Context } from '../../../core/context.ts'
import type { Estimate } from '../../../core/contract.ts'
import { milliseconds, week } from '../../../core/duration.ts'
import type { Signal } from '../contract.ts'
import { append } from '../events.ts'
import { type AlertRule, defaultRules, fires, isDemoted } from '../rules.ts'
import type { SilencesTable } from '../schema.ts'
import type { AlertRecord } from '../store.ts'
import * as store from '../store.ts'

/** A signal that a window shows beyond its threshold. */
export type DetectedSignal = {
  signal: Signal
  subject: string
  severity: 'page' | 'digest'
  summary: string
  value: Estimate
  threshold: number
  thresholdFrom: string
}

/** Stored with a window for the alert rules: the names of the signals it shows, and the signals it could not judge. */
type WindowSignals = { found: string[]; silent: Signal[] }

/** Windows stored by earlier versions do not name silent signals: without labels, they could not judge those of labels. */
export function signalsOfWindow({ content }: Pick<store.WindowRecord, 'content'>): WindowSignals {
  const { found = [], silent, labelled } = content
  return { found, silent: silent ?? (labelled === 0 ? [...labelSignals] : []) }
}

export const labelSignals = ['bias', 'quality'] as const satisfies readonly Signal[]

type AlertScope = { model: string; release: string; from: string; to: string }
export type AlertPolicy = { rules: readonly AlertRule[]; alertsPerWeek: number }

const maxHistory = 20

/** Alerts that begin and end with what they are about, whatever a window shows. */
const outsideWindows: ReadonlySet<string> = new Set(['external', 'operation'] satisfies Signal[])

/**
 * One alert for each signal and subject: its rule fires it once, keeps it while it lasts, and resolves it. All alerts that
 * begin in a window are in one message, most important first. A window that cannot judge a signal is left out of the
 * signal's history: it neither fires nor resolves an alert.
 */
export async function evaluateAlertRules(
  ctx: Context,
  scope: AlertScope,
  signals: readonly DetectedSignal[],
  policy: AlertPolicy,
  canTell: (signal: Signal) => boolean = () => true,
): Promise<void> {
  const { model } = scope
  const earlier = (await store.windowsBefore(ctx, model, scope.from, maxHistory)).map(signalsOfWindow)
  const historyOf = (signal: string, subject: string, now: boolean) => [
    now,
    ...earlier
      .filter(({ silent }) => !silent.some((one) => one === signal))
      .map(({ found }) => found.includes(`${signal}/${subject}`)),
  ]
  const open = (await store.listAlerts(ctx, { model, state: 'firing', limit: 1_000 })).filter(
    ({ signal }) => !outsideWindows.has(signal) && canTell(signal as Signal),
  )
  const raised: AlertRecord[] = []
  for (const detected of byPriority(signals)) {
    const rule = ruleOf(policy.rules, detected.signal)
    if (rule.severity === 'off') continue
    const same = open.find(({ signal, subject }) => signal === detected.signal && subject === detected.subject)
    if (same) await continueAlert(ctx, same, detected, scope)
    else if (fires(historyOf(detected.signal, detected.subject, true), rule, false))
      raised.push(await raiseAlert(ctx, detected, rule, scope, policy))
  }
  const resolved: AlertRecord[] = []
  for (const alert of open) {
    const now = signals.some(({ signal, subject }) => signal === alert.signal && subject === alert.subject)
    const rule = ruleOf(policy.rules, alert.signal)
    if (now || fires(historyOf(alert.signal, alert.subject, now), rule, true)) continue
    resolved.push(await resolveAlert(ctx, alert))
  }
  await notify(ctx, 'monitoring.alerts_raised', model, raised)
  await notify(ctx, 'monitoring.alerts_resolved', model, resolved)
  await notifyDigest(ctx, model)
}

function ruleOf(rules: readonly AlertRule[], signal: string): AlertRule {
  const rule = rules.find((one) => one.signal === signal)
  if (!rule) throw new RangeError(`There is no rule for the signal "${signal}"`)
  return rule
}

function byPriority(signals: readonly DetectedSignal[]): DetectedSignal[] {
  const priority = (signal: Signal) => defaultRules.findIndex((rule) => rule.signal === signal)
  return signals.toSorted((a, b) => priority(a.signal) - priority(b.signal))
}

async function continueAlert(
  ctx: Context,
  alert: AlertRecord,
  detected: DetectedSignal,
  { release, from, to }: AlertScope,
): Promise<void> {
  await store.updateAlert(ctx, alert.id, {
    ...valuesOf(detected),
    release,
    window_from: from,
    window_to: to,
    seen: Number(alert.seen) + (alert.window_from === from ? 0 : 1),
  })
}

function valuesOf({ summary, value, threshold, thresholdFrom }: DetectedSignal) {
  return { summary, value, threshold, threshold_from: thresholdFrom }
}

async function raiseAlert(
  ctx: Context,
  detected: DetectedSignal,
  rule: AlertRule,
  scope: AlertScope,
  policy: AlertPolicy,
): Promise<AlertRecord> {
  const { severity, quiet } = await priorityOf(ctx, detected, rule, scope.model, policy.alertsPerWeek)
  return recordAlert(ctx, detected, { ...scope, severity, quiet, labels: null })
}

type NewAlert = AlertScope & {
  severity: 'page' | 'digest'
  quiet: string | null
  labels: Record<string, string> | null
  firedAt?: string
}

async function recordAlert(
  ctx: Context,
  detected: DetectedSignal,
  { model, release, from, to, severity, quiet, labels, firedAt }: NewAlert,
): Promise<AlertRecord> {
  const row: AlertRecord = {
    id: ctx.id('alert'),
    model,
    signal: detected.signal,
    subject: detected.subject,
    severity,
    state: 'firing',
    ...valuesOf(detected),
    release,
    window_from: from,
    window_to: to,
    verdict: null,
    note: null,
    fired_at: firedAt ?? ctx.now().toISOString(),
    resolved_at: null,
    seen: 1,
    quiet,
    labels,
  }
  await store.insertAlert(ctx, row)
  await append(ctx, 'monitoring.alert_fired', `model/${model}`, {
    alert: row.id,
    signal: row.signal,
    severity,
    summary: row.summary,
    release,
    quiet,
  })
  return row
}

/** An alert of another system: recorded and linked to a release; receivers are not notified a second time. */
export function recordExternal(
  ctx: Context,
  detected: DetectedSignal,
  details: Omit<NewAlert, 'severity' | 'quiet'>,
): Promise<AlertRecord> {
  return recordAlert(ctx, detected, { ...details, severity: 'page', quiet: 'reported by another system' })
}

/** An alert that does not wait for a window: receivers are notified at once, and a later window without it resolves it. */
export async function raiseImmediately(ctx: Context, detected: DetectedSignal, scope: AlertScope): Promise<void> {
  const row = await recordAlert(ctx, detected, { ...scope, severity: detected.severity, quiet: null, labels: null })
  await notify(ctx, 'monitoring.alerts_raised', scope.model, [row])
}

/** An alert that does not wait for a window, under its rule, silences and budget of pages as any other. */
export async function raiseByRule(
  ctx: Context,
  detected: DetectedSignal,
  scope: AlertScope,
  policy: AlertPolicy,
): Promise<void> {
  const rule = ruleOf(policy.rules, detected.signal)
  if (rule.severity === 'off') return
  await notify(ctx, 'monitoring.alerts_raised', scope.model, [await raiseAlert(ctx, detected, rule, scope, policy)])
  await notifyDigest(ctx, scope.model)
}

export async function resolveAndTell(ctx: Context, alert: AlertRecord): Promise<void> {
  await notify(ctx, 'monitoring.alerts_resolved', alert.model, [await resolveAlert(ctx, alert)])
}

export async function resolveAlert(
  ctx: Context,
  alert: AlertRecord,
  at = ctx.now().toISOString(),
): Promise<AlertRecord> {
  await store.updateAlert(ctx, alert.id, { state: 'resolved', resolved_at: at })
  await append(ctx, 'monitoring.alert_resolved', `model/${alert.model}`, { alert: alert.id, signal: alert.signal })
  return { ...alert, state: 'resolved', resolved_at: at }
}

/** Whether an alert pages now, given silences, rules that were mostly noise, and the budget of the week. */
async function priorityOf(
  ctx: Context,
  detected: DetectedSignal,
  rule: AlertRule,
  model: string,
  perWeek: number,
): Promise<{ severity: 'page' | 'digest'; quiet: string | null }> {
  const now = ctx.now()
  const silences = (await store.silencesAt(ctx, now.toISOString())).filter((one) =>
    appliesTo(one, model, detected.signal),
  )
  const silence = silences.map((one) => ({ ...one, until: silentUntil(one, now) })).find(({ until }) => until !== null)
  const declared = rule.severity === 'page' && detected.severity === 'page' ? 'page' : 'digest'
  if (silence) return { severity: declared, quiet: `${silence.kind} until ${silence.until}: ${silence.reason}` }
  if (declared === 'digest') return { severity: 'digest', quiet: null }
  const counts = await verdictsOf(ctx, model, detected.signal)
  if (isDemoted(rule, counts))
    return {
      severity: 'digest',
      quiet: `demoted: ${counts.noise} of its last ${counts.real + counts.noise} alerts were noise`,
    }
  if ((await pagesOfWeek(ctx, model)) >= perWeek)
    return { severity: 'digest', quiet: `over the budget of ${perWeek} pages a week` }
  return { severity: 'page', quiet: null }
}

export function appliesTo(silence: SilencesTable, model: string, signal: string): boolean {
  return (silence.model === '*' || silence.model === model) && (silence.signal === '*' || silence.signal === signal)
}

/** When a silence that is active now ends; null for a repeating one that is between two times. */
export function silentUntil(
  silence: Pick<SilencesTable, 'cron' | 'zone' | 'lasts' | 'to_at'>,
  now: Date,
): string | null {
  const { cron, zone, lasts, to_at } = silence
  if (cron === null || lasts === null) return to_at
  const length = milliseconds(lasts)
  const began = nextTick(cron, zone ?? 'UTC', new Date(now.getTime() - length))
  if (began > now) return null
  const until = new Date(began.getTime() + length).toISOString()
  return until < to_at ? until : to_at
}

const maxJudged = 20

export async function verdictsOf(
  ctx: Context,
  model: string,
  signal: string,
): Promise<{ real: number; noise: number }> {
  const judged = await store.judgedAlerts(ctx, model, signal, maxJudged)
  const real = judged.filter(({ verdict }) => verdict === 'real').length
  return { real, noise: judged.length - real }
}

/** The number of pages sent in the last seven days. */
export async function pagesOfWeek(ctx: Context, model: string): Promise<number> {
  const now = ctx.now()
  const from = new Date(now.getTime() - week).toISOString()
  const rows = await store.alertsBetween(ctx, model, from, now.toISOString())
  return rows.filter(({ severity, quiet, fired_at }) => severity === 'page' && quiet === null && fired_at > from).length
}

/** One message for all pages of a window, without the suppressed ones. */
type AlertEvent = 'monitoring.alerts_raised' | 'monitoring.alerts_resolved'

async function notify(ctx: Context, type: AlertEvent, model: string, alerts: readonly AlertRecord[]): Promise<void> {
  const notified = alerts.filter(({ severity, quiet }) => severity === 'page' && quiet === null)
  if (notified.length === 0) return
  await append(ctx, type, `model/${model}`, { model, severity: 'page', alerts: notified.map(messageOf) })
}

/** Once a week, one message with what was not worth a page. */
async function notifyDigest(ctx: Context, model: string): Promise<void> {
  const now = ctx.now()
  const [last] = await latestEvents(ctx, { type: 'monitoring.digest', subject: `model/${model}`, limit: 1 })
  const due = new Date(now.getTime() - week).toISOString()
  if (last && last.at > due) return
  const rows = await store.alertsBetween(ctx, model, last?.at ?? due, now.toISOString())
  const notified = rows.filter(({ severity, quiet }) => severity === 'digest' && !isSilenced(quiet))
  if (notified.length === 0) return
  await append(ctx, 'monitoring.digest', `model/${model}`, {
    model,
    severity: 'digest',
    alerts: notified.map(messageOf),
  })
}

function isSilenced(quiet: string | null): boolean {
  return quiet !== null && /^(silence|maintenance) /.test(quiet)
}

/** One alert as receivers get it. */
export function messageOf(alert: AlertRecord) {
  return {
    id: alert.id,
    model: alert.model,
    signal: alert.signal,
    subject: alert.subject,
    severity: alert.severity,
    state: alert.state,
    summary: alert.summary,
    release: alert.release,
    value: alert.value.value,
    threshold: alert.threshold,
    thresholdFrom: alert.threshold_from,
    startsAt: alert.fired_at,
    endsAt: alert.resolved_at,
    window: { from: alert.window_from, to: alert.window_to },
  }
}
