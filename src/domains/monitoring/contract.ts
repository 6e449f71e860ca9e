import {
  contract,
  Estimate,
  JsonObject,
  Name,
  Nothing,
  object,
  oneOf,
  optional,
  page,
  paging,
  Time,
} from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { Alert, AlertSink, AlertVerdict, DriftReference, Recurrence, Rule, Signal, Silence, Window } from './shapes.ts'

export { Alert, AlertSink, AlertVerdict, DriftReference, Signal, Silence, Window } from './shapes.ts'

export const monitoring = contract({
  series: {
    method: 'GET',
    path: '/models/:model/windows',
    role: 'viewer',
    summary:
      'Windows of a model, oldest first, the newest ones where there are more than the limit: quality, bias, service and drift, each with n and interval',
    input: object({ model: Name, from: optional(Time), to: optional(Time), limit: paging.limit }),
    output: page(Window),
  },
  drift: {
    method: 'GET',
    path: '/models/:model/drift',
    role: 'viewer',
    summary: 'Drift of the newest window against the training set, column by column, largest first',
    input: object({
      model: Name,
      against: optional(DriftReference),
    }),
    output: object({
      model: Name,
      window: Type.Union([Window, Type.Null()]),
      reference: Type.String(),
      verdict: oneOf(['drifted', 'steady', 'cannot_tell'], {
        description: 'Over what was judged: an input that moved or has other holes, none of them, or nothing to judge',
      }),
      because: Type.String({ description: 'What the verdict rests on' }),
      meaning: Type.String({ description: 'What this says and what it does not, in words' }),
    }),
  },
  sketches: {
    method: 'GET',
    path: '/models/:model/sketches',
    role: 'viewer',
    summary:
      'What served values looked like, per release, feature and hour (or window, where that is shorter): counts in fixed bins and quantiles',
    input: object({
      model: Name,
      release: optional(Type.String()),
      column: optional(Type.String()),
      from: optional(Time),
      to: optional(Time),
      limit: paging.limit,
    }),
    output: page(
      object({
        scope: Type.String(),
        column: Type.String(),
        hour: Time,
        rows: Type.Integer(),
        missing: Type.Integer(),
        mean: Type.Union([Type.Number(), Type.Null()]),
        median: Type.Union([Type.Number(), Type.Null()]),
        p99: Type.Union([Type.Number(), Type.Null()]),
      }),
    ),
  },
  skew: {
    method: 'GET',
    path: '/models/:model/versions/:version/skew',
    role: 'viewer',
    summary:
      'Before promotion: training rows of a version against what is served now, and inputs that tell the label alone',
    input: object({ model: Name, version: Type.Integer({ minimum: 1 }) }),
    output: object({
      verdict: oneOf(['skewed', 'alike', 'cannot_tell']),
      because: Type.String({ description: 'What the verdict rests on' }),
      served: Type.Integer({ description: 'Served rows that were compared' }),
      columns: Type.Array(
        object({ column: Type.String(), psi: Type.Number(), critical: Type.Number(), skewed: Type.Boolean() }),
      ),
      leaks: Type.Array(object({ column: Type.String(), auc: Estimate, suspicious: Type.Boolean() })),
    }),
  },
  listAlerts: {
    method: 'GET',
    path: '/alerts',
    role: 'viewer',
    summary: 'Alerts, newest first',
    input: object({ model: optional(Name), state: optional(oneOf(['firing', 'resolved'])), ...paging }),
    output: page(Alert),
  },
  getAlert: {
    method: 'GET',
    path: '/alerts/:alert',
    role: 'viewer',
    summary: 'One alert',
    input: object({ alert: Name }),
    output: Alert,
  },
  judgeAlert: {
    method: 'POST',
    path: '/alerts/:alert/verdict',
    role: 'member',
    summary: 'Was it real? Verdicts make the precision of alerts',
    input: object({
      alert: Name,
      verdict: AlertVerdict,
      note: optional(Type.String({ maxLength: 2000 })),
    }),
    output: Alert,
  },
  listRules: {
    method: 'GET',
    path: '/models/:model/alert-rules',
    role: 'viewer',
    summary: 'Alert rules, most important first, with the precision that verdicts gave them',
    input: object({ model: Name }),
    output: object({
      rules: Type.Array(Rule),
      budget: object({ perWeek: Type.Number(), pages: Type.Integer({ description: 'In the last seven days' }) }),
    }),
  },
  silence: {
    method: 'POST',
    path: '/silences',
    role: 'member',
    summary:
      'Records alerts without telling anybody, for a time, once or again and again: a silence, or a maintenance window',
    input: object({
      kind: optional(oneOf(['silence', 'maintenance'])),
      model: optional(Name),
      signal: optional(Signal),
      from: optional(Time),
      to: optional({ ...Time, description: 'Needed unless it repeats' }),
      repeats: optional(Recurrence),
      reason: Type.String({ minLength: 3, maxLength: 2000 }),
    }),
    output: Silence,
  },
  listSilences: {
    method: 'GET',
    path: '/silences',
    role: 'viewer',
    summary: 'Silences and maintenance windows, newest first',
    input: object(paging),
    output: page(Silence),
  },
  endSilence: {
    method: 'DELETE',
    path: '/silences/:silence',
    role: 'member',
    summary: 'Ends a silence now',
    input: object({ silence: Name }),
    output: Nothing,
  },
  setSinks: {
    method: 'PUT',
    path: '/alert-sinks',
    role: 'admin',
    summary: 'Who is notified of alerts: Slack, Alertmanager, signed webhooks, e-mail; replaces the list',
    input: object({ sinks: Type.Array(AlertSink, { maxItems: 50 }) }),
    output: object({ sinks: Type.Array(Type.String()) }),
  },
  receiveAlerts: {
    method: 'POST',
    path: '/alertmanager',
    role: 'member',
    summary: 'Takes webhooks of Alertmanager (version 4) and Grafana, and links them to the release that was live',
    input: Type.Object({
      alerts: Type.Array(
        Type.Object({
          status: Type.Optional(Type.String()),
          labels: Type.Record(Type.String(), Type.String()),
          annotations: Type.Optional(Type.Record(Type.String(), Type.String())),
          startsAt: Type.Optional(Type.String()),
          endsAt: Type.Optional(Type.String()),
          generatorURL: Type.Optional(Type.String()),
          fingerprint: Type.Optional(Type.String()),
        }),
        { maxItems: 1000 },
      ),
    }),
    output: object({ alerts: Type.Array(Type.String()) }),
  },
  explainThresholds: {
    method: 'GET',
    path: '/models/:model/thresholds',
    role: 'viewer',
    summary: 'Every threshold that is watched now, and what it was calibrated on',
    input: object({ model: Name }),
    output: object({
      thresholds: Type.Array(
        object({ signal: Signal, threshold: Type.Number(), from: Type.String(), detail: JsonObject }),
      ),
    }),
  },
})
