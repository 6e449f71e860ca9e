import { appender } from '../../core/background/background.ts'
import { object, oneOf, optional, Time } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { Alert, Silence } from './contract.ts'

const Model = 'model/<model>'
const AlertId = Type.String({ description: 'Its id' })
const { severity: Severity, verdict: Judged } = Alert.properties

/** An alert as it is sent to receivers. */
const SentAlert = object({
  id: AlertId,
  model: Type.String(),
  signal: Type.String(),
  subject: Type.String({ description: 'What exactly: a column, a check, a fingerprint; may be empty' }),
  severity: Severity,
  state: oneOf(['firing', 'resolved']),
  summary: Type.String({ description: 'What was found, in a sentence' }),
  release: Type.String(),
  value: Type.Union([Type.Number(), Type.Null()]),
  threshold: Type.Number(),
  thresholdFrom: Type.String({ description: 'Where the threshold comes from, in words' }),
  startsAt: Time,
  endsAt: Type.Union([Time, Type.Null()]),
  window: object({ from: Time, to: Time }),
})

/** The content of a message about alerts, for webhooks and e-mail alike. */
export const alertMessage = { model: Type.String(), severity: Severity, alerts: Type.Array(SentAlert) }

export const events = {
  'monitoring.alert_fired': event(Model, 'An alert rule fired. Receivers are notified unless `quiet` gives a reason.', {
    alert: AlertId,
    signal: Type.String(),
    severity: Severity,
    summary: Type.String({ description: 'What was found, in a sentence' }),
    release: Type.String(),
    quiet: Type.Union([Type.String(), Type.Null()], { description: 'Why nobody is notified; null when receivers are' }),
  }),
  'monitoring.alert_resolved': event(Model, 'A firing alert is over.', { alert: AlertId, signal: Type.String() }),
  'monitoring.alert_judged': event(Model, 'A person judged an alert: real, noise or duplicate.', {
    alert: AlertId,
    verdict: Judged,
    note: Type.Union([Type.String(), Type.Null()]),
  }),
  'monitoring.alerts_raised': event(Model, 'A person has to look: all pages of a window in one message.', alertMessage),
  'monitoring.alerts_resolved': event(Model, 'Alerts that paged somebody are resolved.', alertMessage),
  'monitoring.digest': event(Model, 'Once a week: the alerts that were not worth a page.', alertMessage),
  'monitoring.silenced': event(
    [Model, 'model'],
    'A silence or maintenance window begins: nobody is notified of alerts of a model, or of any.',
    {
      silence: Type.String({ description: 'Its id' }),
      signal: Type.String({ description: 'A signal, or * for all' }),
      from: Time,
      to: Type.Union([Time, Type.Null()], { description: 'Null: until somebody ends it' }),
      repeats: optional(Silence.properties.repeats),
      reason: Type.String(),
    },
  ),
  'monitoring.silence_ended': event('model', 'Somebody ended a silence.', {
    silence: Type.String({ description: 'Its id' }),
  }),
  'monitoring.sinks_set': event('alerts', 'The list of receivers of alerts was replaced.', {
    sinks: Type.Array(Type.String(), { description: 'Their names' }),
  }),
}

export const append = appender(events)
