import { Type } from 'typebox'
import { object, oneOf, optional, Time } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { appender } from '../../core/work/work.ts'
import { Alert, Silence } from './contract.ts'

const Model = 'model/<model>'
const AlertId = Type.String({ description: 'Its id' })
const { severity: Severity, verdict: Judged } = Alert.properties

/** An alert as receivers are told of it. */
const ToldAlert = object({
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

/** What a message about alerts says, whoever carries it. */
export const alertMessage = { model: Type.String(), severity: Severity, alerts: Type.Array(ToldAlert) }

export const events = {
  'monitoring.alert_fired': event(Model, 'A rule found something; what is quiet is not told to receivers.', {
    alert: AlertId,
    signal: Type.String(),
    severity: Severity,
    summary: Type.String({ description: 'What was found, in a sentence' }),
    release: Type.String(),
    quiet: Type.Union([Type.String(), Type.Null()], { description: 'Why it is not told' }),
  }),
  'monitoring.alert_resolved': event(Model, 'A firing alert is over.', { alert: AlertId, signal: Type.String() }),
  'monitoring.alert_judged': event(Model, 'Somebody said whether an alert was right.', {
    alert: AlertId,
    verdict: Judged,
    note: Type.Union([Type.String(), Type.Null()]),
  }),
  'monitoring.alerts_raised': event(Model, 'Somebody has to look: all pages of a window in one.', alertMessage),
  'monitoring.alerts_resolved': event(Model, 'What somebody had to look at is over.', alertMessage),
  'monitoring.digest': event(Model, 'Once a week: what was not worth a page.', alertMessage),
  'monitoring.silenced': event([Model, 'model'], 'Alerts of a model, or of all, are not told for a time.', {
    silence: Type.String({ description: 'Its id' }),
    signal: Type.String({ description: 'A signal, or * for all' }),
    from: Time,
    to: Type.Union([Time, Type.Null()], { description: 'Null: until somebody ends it' }),
    repeats: optional(Silence.properties.repeats),
    reason: Type.String(),
  }),
  'monitoring.silence_ended': event('model', 'Somebody ended a silence.', {
    silence: Type.String({ description: 'Its id' }),
  }),
  'monitoring.sinks_set': event('alerts', 'Others are told of alerts from now on.', {
    sinks: Type.Array(Type.String(), { description: 'Their names' }),
  }),
}

export const append = appender(events)
