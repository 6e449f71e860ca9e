import type { Event } from '../../../core/work/work.ts'

export type ToldAlert = {
  id: string
  model: string
  signal: string
  subject: string
  severity: string
  summary: string
  release: string
  threshold: number
  thresholdFrom: string
  startsAt: string
  endsAt: string | null
}

export type AlertEvent = { model: string; severity: string; resolved: boolean; alerts: ToldAlert[] }

const names: Record<string, string> = {
  'monitoring.alerts_raised': 'alerts.page',
  'monitoring.alerts_resolved': 'alerts.resolved',
  'monitoring.digest': 'alerts.digest',
}

/** Formats for alerts have words for alerts alone. */
export function nameOfAlerts({ type }: Event): string | undefined {
  return names[type]
}

export function alertEventOf({ type, data }: Event): AlertEvent {
  const { model, severity, alerts } = data as Omit<AlertEvent, 'resolved'>
  return { model, severity, resolved: type === 'monitoring.alerts_resolved', alerts }
}

export function alertExample(name: string | undefined, at: string): Event | undefined {
  const type = Object.keys(names).find((key) => names[key] === (name ?? 'alerts.page'))
  if (type === undefined) return undefined
  const severity = type === 'monitoring.digest' ? 'digest' : 'page'
  const alert: ToldAlert = {
    id: 'alert_example',
    model: 'example',
    signal: 'bias',
    subject: '',
    severity,
    summary: 'This is an example: it predicted 30.0 % and 20.0 % happened.',
    release: 'example.r1',
    threshold: 0.03,
    thresholdFrom: 'the spec',
    startsAt: at,
    endsAt: type === 'monitoring.alerts_resolved' ? at : null,
  }
  return {
    seq: 0,
    at,
    type,
    subject: 'model/example',
    actor: 'keel',
    cause: 'webhooks.test',
    data: { model: 'example', severity, alerts: [alert] },
  }
}
