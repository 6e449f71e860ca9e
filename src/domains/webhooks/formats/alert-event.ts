import { type ByType, type DataOf, type Event, tellByType } from '../../../core/event-contract.ts'
import type { events } from '../../monitoring/events.ts'
import { type Example, exampleOf } from './example.ts'

type Message = DataOf<(typeof events)['monitoring.alerts_raised']>

export type ToldAlert = Message['alerts'][number]
export type AlertEvent = Message & { name: string; resolved: boolean }

/** Formats for alerts have words for alerts alone. */
const words: ByType<typeof events, AlertEvent> = {
  'monitoring.alerts_raised': ({ data }) => ({ ...data, name: 'alerts.page', resolved: false }),
  'monitoring.alerts_resolved': ({ data }) => ({ ...data, name: 'alerts.resolved', resolved: true }),
  'monitoring.digest': ({ data }) => ({ ...data, name: 'alerts.digest', resolved: false }),
}

export function nameOfAlerts(event: Event): string | undefined {
  return tellByType(words, event)?.name
}

export function alertEventOf(event: Event): AlertEvent {
  const told = tellByType(words, event)
  if (!told) throw new Error(`Formats for alerts have no word for "${event.type}".`)
  return told
}

export function alertExample(name: string | undefined, at: string): Event | undefined {
  return examplesAt(at)
    .map((example) => exampleOf(example, at))
    .find((event) => nameOfAlerts(event) === (name ?? 'alerts.page'))
}

function examplesAt(at: string): Example<typeof events>[] {
  const alert: ToldAlert = {
    id: 'alert_example',
    model: 'example',
    signal: 'bias',
    subject: '',
    severity: 'page',
    state: 'firing',
    summary: 'This is an example: it predicted 30.0 % and 20.0 % happened.',
    release: 'example.r1',
    value: 0.1,
    threshold: 0.03,
    thresholdFrom: 'the spec',
    startsAt: at,
    endsAt: null,
    window: { from: at, to: at },
  }
  const message = { model: 'example', severity: 'page', alerts: [alert] } as const
  return [
    { type: 'monitoring.alerts_raised', data: { ...message, alerts: [alert] } },
    {
      type: 'monitoring.alerts_resolved',
      data: { ...message, alerts: [{ ...alert, state: 'resolved', endsAt: at }] },
    },
    {
      type: 'monitoring.digest',
      data: { ...message, severity: 'digest', alerts: [{ ...alert, severity: 'digest' }] },
    },
  ]
}
