import { createHash } from 'node:crypto'
import { alertEventOf, alertExample, nameOfAlerts, type ToldAlert } from './alert-event.ts'
import type { Format } from './format.ts'
import { standardHeaders } from './generic.ts'

/** Version 4 of Alertmanager's webhook, so that routers and inboxes that understand it understand us. */
export const alertmanager: Format = {
  nameOf: nameOfAlerts,
  render: (event) => {
    const { model, resolved, alerts } = alertEventOf(event)
    return {
      contentType: 'application/json',
      body: JSON.stringify({
        version: '4',
        groupKey: `{}:{model="${model}"}`,
        truncatedAlerts: 0,
        status: resolved ? 'resolved' : 'firing',
        receiver: 'keel',
        groupLabels: { model },
        commonLabels: commonTo(alerts.map(labelsOf)),
        commonAnnotations: {},
        externalURL: '',
        alerts: alerts.map((alert) => ({
          status: resolved ? 'resolved' : 'firing',
          labels: labelsOf(alert),
          annotations: { summary: alert.summary, threshold: `${alert.threshold} (${alert.thresholdFrom})` },
          startsAt: alert.startsAt,
          endsAt: alert.endsAt ?? '0001-01-01T00:00:00Z',
          generatorURL: '',
          fingerprint: fingerprintOf(labelsOf(alert)),
        })),
      }),
    }
  },
  headers: standardHeaders,
  example: alertExample,
}

function labelsOf({ model, signal, subject, severity, release }: ToldAlert): Record<string, string> {
  return { alertname: `keel_${signal}`, model, signal, severity, release, ...(subject === '' ? {} : { subject }) }
}

function commonTo([first = {}, ...others]: Record<string, string>[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((labels) => labels[name] === value)),
  )
}

/** The same labels, the same fingerprint: what the receiver tells repeats by. */
function fingerprintOf(labels: Record<string, string>): string {
  const { release: _, ...lasting } = labels
  const text = Object.entries(lasting)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
