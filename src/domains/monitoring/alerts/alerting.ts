import type { Context } from '../../../core/context.ts'
import type { Estimate } from '../../../core/contract.ts'
import { milliseconds, week } from '../../../core/duration.ts'
import { latestEvents, nextTick } from '../../../core/work/work.ts'
import type { Signal } from '../contract.ts'
import { append } from '../events.ts'
import { type AlertRule, defaultRules, demoted, fires } from '../rules.ts'
import type { AlertsTable, SilencesTable } from '../schema.ts'
import * as store from '../store.ts'

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

/** What the rules keep with a window: what it found, and of which signals it could not tell. */
export type Judgement = { found: string[]; silent: Signal[] }

/** Windows that were stored without it: without any label they could not tell of those. */
export function judgementOf({ content }: { content: string }): Judgement {
  const { found = [], silent, labelled } = JSON.parse(content) as Partial<Judgement> & { labelled: number }
  return { found, silent: silent ?? (labelled === 0 ? [...labelSignals] : []) }
}

export const labelSignals = ['bias', 'quality'] as const satisfies readonly Signal[]

type Place = { model: string; release: string; from: string; to: string }
type Watched = { rules: readonly AlertRule[]; alertsPerWeek: number }

const maxHistory = 20

/**
 * One alert per signal and subject: it fires once when its rule says so, goes on while it lasts, and is resolved by its
 * rule. Everything that began in this window is told together, loudest first. A window that cannot tell of a signal is
 * left out of that signal's history: it neither opens nor resolves.
 */
export async function settle(
  ctx: Context,
  place: Place,
  findings: readonly Finding[],
  watched: Watched,
  judges: (signal: Signal) => boolean = () => true,
): Promise<void> {
  const { model } = place
  const earlier = (await store.windowsBefore(ctx, model, place.from, maxHistory)).map(judgementOf)
  const historyOf = (signal: string, subject: string, now: boolean) => [
    now,
    ...earlier
      .filter(({ silent }) => !silent.some((one) => one === signal))
      .map(({ found }) => found.includes(`${signal}/${subject}`)),
  ]
  const open = (await store.listAlerts(ctx, { model, state: 'firing', limit: 1_000 })).filter(
    ({ signal }) => signal !== 'external' && judges(signal as Signal),
  )
  const raised: AlertsTable[] = []
  for (const finding of inOrder(findings)) {
    const rule = ruleOf(watched.rules, finding.signal)
    if (rule.severity === 'off') continue
    const same = open.find(({ signal, subject }) => signal === finding.signal && subject === finding.subject)
    if (same) await goOn(ctx, same, finding, place)
    else if (fires(historyOf(finding.signal, finding.subject, true), rule, false))
      raised.push(await raise(ctx, finding, rule, place, watched))
  }
  const resolved: AlertsTable[] = []
  for (const alert of open) {
    const now = findings.some(({ signal, subject }) => signal === alert.signal && subject === alert.subject)
    const rule = ruleOf(watched.rules, alert.signal)
    if (now || fires(historyOf(alert.signal, alert.subject, now), rule, true)) continue
    resolved.push(await resolveAlert(ctx, alert))
  }
  await tell(ctx, 'monitoring.alerts_raised', model, raised)
  await tell(ctx, 'monitoring.alerts_resolved', model, resolved)
  await tellDigest(ctx, model)
}

function ruleOf(rules: readonly AlertRule[], signal: string): AlertRule {
  const rule = rules.find((one) => one.signal === signal)
  if (!rule) throw new RangeError(`There is no rule for the signal "${signal}"`)
  return rule
}

function inOrder(findings: readonly Finding[]): Finding[] {
  const loudness = (signal: Signal) => defaultRules.findIndex((rule) => rule.signal === signal)
  return findings.toSorted((a, b) => loudness(a.signal) - loudness(b.signal))
}

async function goOn(ctx: Context, alert: AlertsTable, finding: Finding, { release, from, to }: Place): Promise<void> {
  await store.updateAlert(ctx, alert.id, {
    ...valuesOf(finding),
    release,
    window_from: from,
    window_to: to,
    seen: Number(alert.seen) + (alert.window_from === from ? 0 : 1),
  })
}

function valuesOf({ summary, value, threshold, thresholdFrom }: Finding) {
  return { summary, value: JSON.stringify(value), threshold, threshold_from: thresholdFrom }
}

async function raise(
  ctx: Context,
  finding: Finding,
  rule: AlertRule,
  place: Place,
  watched: Watched,
): Promise<AlertsTable> {
  const { severity, quiet } = await loudnessOf(ctx, finding, rule, place.model, watched.alertsPerWeek)
  return insert(ctx, finding, { ...place, severity, quiet, labels: null })
}

type New = Place & { severity: 'page' | 'digest'; quiet: string | null; labels: string | null; firedAt?: string }

async function insert(
  ctx: Context,
  finding: Finding,
  { model, release, from, to, severity, quiet, labels, firedAt }: New,
): Promise<AlertsTable> {
  const row: AlertsTable = {
    id: ctx.id('alert'),
    model,
    signal: finding.signal,
    subject: finding.subject,
    severity,
    state: 'firing',
    ...valuesOf(finding),
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

/** An alert of another system: recorded and linked, never told again by us. */
export function recordExternal(
  ctx: Context,
  finding: Finding,
  given: Omit<New, 'severity' | 'quiet'>,
): Promise<AlertsTable> {
  return insert(ctx, finding, { ...given, severity: 'page', quiet: 'another system told of it' })
}

/** What no window found but somebody has to hear of: told at once, resolved when a later window does not find it. */
export async function raiseNow(ctx: Context, finding: Finding, place: Place): Promise<void> {
  const row = await insert(ctx, finding, { ...place, severity: finding.severity, quiet: null, labels: null })
  await tell(ctx, 'monitoring.alerts_raised', place.model, [row])
}

export async function resolveAlert(
  ctx: Context,
  alert: AlertsTable,
  at = ctx.now().toISOString(),
): Promise<AlertsTable> {
  await store.updateAlert(ctx, alert.id, { state: 'resolved', resolved_at: at })
  await append(ctx, 'monitoring.alert_resolved', `model/${alert.model}`, { alert: alert.id, signal: alert.signal })
  return { ...alert, state: 'resolved', resolved_at: at }
}

/** How loud it is now: what people asked not to hear, rules that were mostly noise, and the budget of the week. */
async function loudnessOf(
  ctx: Context,
  finding: Finding,
  rule: AlertRule,
  model: string,
  perWeek: number,
): Promise<{ severity: 'page' | 'digest'; quiet: string | null }> {
  const now = ctx.now()
  const silences = (await store.silencesAt(ctx, now.toISOString())).filter((one) => covers(one, model, finding.signal))
  const silence = silences.map((one) => ({ ...one, until: silentUntil(one, now) })).find(({ until }) => until !== null)
  const declared = rule.severity === 'page' && finding.severity === 'page' ? 'page' : 'digest'
  if (silence) return { severity: declared, quiet: `${silence.kind} until ${silence.until}: ${silence.reason}` }
  if (declared === 'digest') return { severity: 'digest', quiet: null }
  const counts = await verdictsOf(ctx, model, finding.signal)
  if (demoted(rule, counts))
    return {
      severity: 'digest',
      quiet: `demoted: ${counts.noise} of its last ${counts.real + counts.noise} alerts were noise`,
    }
  if ((await pagesOfWeek(ctx, model)) >= perWeek)
    return { severity: 'digest', quiet: `over the budget of ${perWeek} pages a week` }
  return { severity: 'page', quiet: null }
}

export function covers(silence: SilencesTable, model: string, signal: string): boolean {
  return (silence.model === '*' || silence.model === model) && (silence.signal === '*' || silence.signal === signal)
}

/** When the silence that is on now ends; null between two times of one that comes back. */
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

const judgedLooked = 20

export async function verdictsOf(
  ctx: Context,
  model: string,
  signal: string,
): Promise<{ real: number; noise: number }> {
  const judged = await store.judgedAlerts(ctx, model, signal, judgedLooked)
  const real = judged.filter(({ verdict }) => verdict === 'real').length
  return { real, noise: judged.length - real }
}

/** Pages that were told in the last seven days. */
export async function pagesOfWeek(ctx: Context, model: string): Promise<number> {
  const now = ctx.now()
  const from = new Date(now.getTime() - week).toISOString()
  const rows = await store.alertsBetween(ctx, model, from, now.toISOString())
  return rows.filter(({ severity, quiet, fired_at }) => severity === 'page' && quiet === null && fired_at > from).length
}

/** One message for all pages of a window; what is quiet is not in it. */
type Telling = 'monitoring.alerts_raised' | 'monitoring.alerts_resolved'

async function tell(ctx: Context, type: Telling, model: string, alerts: readonly AlertsTable[]): Promise<void> {
  const told = alerts.filter(({ severity, quiet }) => severity === 'page' && quiet === null)
  if (told.length === 0) return
  await append(ctx, type, `model/${model}`, { model, severity: 'page', alerts: told.map(messageOf) })
}

/** Once a week what was not worth a page, in one message. */
async function tellDigest(ctx: Context, model: string): Promise<void> {
  const now = ctx.now()
  const [last] = await latestEvents(ctx, { type: 'monitoring.digest', subject: `model/${model}`, limit: 1 })
  const due = new Date(now.getTime() - week).toISOString()
  if (last && last.at > due) return
  const rows = await store.alertsBetween(ctx, model, last?.at ?? due, now.toISOString())
  const told = rows.filter(({ severity, quiet }) => severity === 'digest' && !isSilenced(quiet))
  if (told.length === 0) return
  await append(ctx, 'monitoring.digest', `model/${model}`, { model, severity: 'digest', alerts: told.map(messageOf) })
}

function isSilenced(quiet: string | null): boolean {
  return quiet !== null && /^(silence|maintenance) /.test(quiet)
}

/** What receivers are told of one alert. */
export function messageOf(alert: AlertsTable) {
  return {
    id: alert.id,
    model: alert.model,
    signal: alert.signal,
    subject: alert.subject,
    severity: alert.severity,
    state: alert.state,
    summary: alert.summary,
    release: alert.release,
    value: (JSON.parse(alert.value) as Estimate).value,
    threshold: alert.threshold,
    thresholdFrom: alert.threshold_from,
    startsAt: alert.fired_at,
    endsAt: alert.resolved_at,
    window: { from: alert.window_from, to: alert.window_to },
  }
}
