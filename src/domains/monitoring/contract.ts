import { type Static, Type } from 'typebox'
import {
  contract,
  duration,
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

/**
 * In order of importance: labels wrong (bias, quality), served features differ, service (errors, latency, cost), what is estimated
 * without labels, drift, data at its source; `external` came from another alerting system.
 */
export const Signal = oneOf([
  'bias',
  'quality',
  'parity',
  'errors',
  'latency',
  'cost',
  'estimate',
  'drift',
  'data',
  'external',
])
export type Signal = Static<typeof Signal>

export const AlertVerdict = oneOf(['real', 'noise', 'duplicate'])

export const DriftReference = oneOf(['training', 'last-week', 'last-year'], {
  description: 'What the window is compared with',
})

const Severity = oneOf(['page', 'digest'])

/** Absent where a side had no such values. */
const DriftMeasures = {
  p: optional(Type.Number({ description: 'Chance of such an index when nothing moved' })),
  jensenShannon: optional(Type.Number()),
  kolmogorovSmirnov: optional(object({ distance: Type.Number(), p: Type.Number() })),
  wasserstein: optional(Type.Number({ description: 'In standard deviations of the reference' })),
  chiSquare: optional(object({ statistic: Type.Number(), p: Type.Number() })),
  missing: optional(Type.Number({ description: 'Share of values that are missing' })),
  unseen: optional(Type.Number({ description: 'Share of values beyond what the reference held' })),
  n: optional(Type.Integer({ description: 'Values of the reference' })),
  m: optional(Type.Integer({ description: 'Values of the window' })),
}

export const Window = object({
  model: Name,
  from: Time,
  to: Time,
  release: Type.String({ description: 'The release that answered most of it' }),
  requests: Type.Integer(),
  labelled: Type.Integer(),
  meanPrediction: Estimate,
  meanLabel: Estimate,
  bias: Estimate,
  logLoss: Estimate,
  auc: Estimate,
  /** Mean distance of answer and label, in their unit; only where the answer is a quantity. */
  absoluteError: optional(Estimate),
  errorRate: Estimate,
  p95Ms: Estimate,
  /** Of a thousand answers, in the price table's currency; absent where nothing was paid. */
  costPer1k: optional(Estimate),
  /** Population stability index per input and of the score, against the training set. */
  drift: Type.Array(
    object({
      column: Type.String(),
      psi: Type.Number(),
      critical: Type.Number(),
      drifted: Type.Boolean(),
      ...DriftMeasures,
    }),
  ),
  /** When the newest label of the window became known; what is newer may still change the numbers. */
  knownUpTo: optional(Type.Union([Time, Type.Null()])),
  /** A window with too few rows is merged with earlier rows of the same release, from this time on. */
  mergedFrom: optional(Time),
  /** Performance without labels, from the confidence of the answers. */
  estimated: optional(object({ accuracy: Estimate, auc: Estimate, blindSpot: Type.String() })),
  /** How well a classifier tells the window from training, all columns together: 0.5 is alike. */
  domain: optional(
    object({
      auc: Estimate,
      columns: Type.Array(object({ column: Type.String(), share: Type.Number() })),
    }),
  ),
})

export const Alert = object({
  id: Type.String(),
  model: Name,
  signal: Signal,
  severity: Severity,
  state: oneOf(['firing', 'resolved']),
  summary: Type.String(),
  release: Type.String(),
  window: object({ from: Time, to: Time }),
  value: Estimate,
  threshold: Type.Number(),
  thresholdFrom: Type.String({ description: 'Where the threshold comes from, in words' }),
  verdict: Type.Union([AlertVerdict, Type.Null()]),
  firedAt: Time,
  resolvedAt: Type.Union([Time, Type.Null()]),
  subject: optional(Type.String({ description: 'What exactly: a column, a check, a fingerprint' })),
  /** Windows in which it was found again while it fired. */
  seen: optional(Type.Integer()),
  /** Why nobody is notified: a silence, a maintenance window, the budget of the week, or a rule that was mostly noise. */
  quiet: optional(Type.Union([Type.String(), Type.Null()])),
  labels: optional(Type.Record(Type.String(), Type.String())),
})

/** Who is notified. Secrets are references to the server's environment: `env:SLACK_URL`. */
const Secret = Type.String({ minLength: 1, maxLength: 2048, description: 'A string, or env:NAME' })
export const AlertSink = object({
  name: Name,
  severities: optional(Type.Array(Severity, { minItems: 1, description: 'Which alerts; without it all' })),
  slack: optional(Secret),
  alertmanager: optional(Secret),
  webhook: optional(object({ url: Secret, secret: optional(Secret) })),
  email: optional(
    object({
      smtp: Type.String({ description: 'smtp://user:password@host:587, or env:NAME' }),
      from: Type.String({ minLength: 3, description: 'The sender' }),
      to: Type.Array(Type.String({ minLength: 3 }), { minItems: 1, description: 'Who gets it' }),
    }),
  ),
})

const Rule = object({
  signal: Signal,
  severity: oneOf(['page', 'digest', 'off']),
  declared: oneOf(['page', 'digest', 'off']),
  /** Fires when at least `of` of the last `windows` windows found it. */
  of: Type.Integer(),
  windows: Type.Integer(),
  precision: Estimate,
  because: Type.String(),
})

const Recurrence = object({
  cron: Type.String({ minLength: 1, maxLength: 200, description: 'When it begins each time, as a cron expression' }),
  zone: optional(Type.String({ maxLength: 64, description: 'Time zone, such as Europe/Berlin; without it UTC' })),
  lasts: duration('How long each time, such as 2h', { positive: true }),
})

export const Silence = object({
  id: Type.String(),
  kind: oneOf(['silence', 'maintenance']),
  model: Type.String({ description: 'A model, or * for all' }),
  signal: Type.String({ description: 'A signal, or * for all' }),
  from: Time,
  to: Type.Union([Time, Type.Null()], { description: 'Null: until somebody ends it' }),
  repeats: Type.Union([Recurrence, Type.Null()]),
  reason: Type.String(),
  by: Type.String(),
})

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
      meaning: Type.String({ description: 'What this says and what it does not, in words' }),
    }),
  },
  sketches: {
    method: 'GET',
    path: '/models/:model/sketches',
    role: 'viewer',
    summary: 'What served values looked like, per release, feature and hour: counts in fixed bins and quantiles',
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
