import type { Static } from 'typebox'
import { duration, Estimate, Name, object, oneOf, optional, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { MarkCountsShape } from '../registry/contract.ts'
import { signals } from '../registry/spec/spec.ts'

export const Signal = oneOf(signals)
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
  requests: Type.Integer({ description: 'Logged in it, of all releases; copies for a shadow are none' }),
  labelled: Type.Integer({ description: 'Requests whose label is known' }),
  meanPrediction: Estimate,
  meanLabel: Estimate,
  bias: Estimate,
  logLoss: Estimate,
  auc: Estimate,
  /** Mean distance of answer and label, in their unit; only where the answer is a quantity. */
  absoluteError: optional(Estimate),
  /** By the kind of its answers and by its spec, whose quality metric is the first; absent in windows of earlier versions. */
  metrics: optional(
    Type.Array(
      object({
        metric: Type.String(),
        direction: oneOf(['higher', 'lower', 'zero'], { description: 'What is better' }),
        estimate: Estimate,
        share: Type.Number({ description: 'Of the answers of its release, those that could be judged' }),
      }),
    ),
  ),
  /** What was reported beside labels, for each release and arm; absent where nothing was. */
  outcomes: optional(
    Type.Array(
      object({
        outcome: Name,
        release: Type.String(),
        arm: oneOf(['live', 'canary']),
        mean: Estimate,
        units: Type.Integer({ description: 'Users or sessions with one' }),
        answers: Type.Integer({ description: 'All that the arm gave in the window' }),
      }),
    ),
  ),
  errorRate: Estimate,
  /** Share of answers with a mark, and how many have which; absent in windows from before there were marks. */
  markedRate: optional(Estimate),
  marks: optional(MarkCountsShape),
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
  /** How many values of each input are missing, in the window alone. */
  missing: optional(
    Type.Array(
      object({
        column: Type.String(),
        reference: object({ missing: Type.Integer(), n: Type.Integer() }, { description: 'In training' }),
        now: Estimate,
        p: Type.Number({ description: 'Chance of such a difference when nothing changed' }),
        changed: Type.Boolean(),
        emptied: Type.Boolean({ description: 'All values are missing now, and that is no chance' }),
      }),
    ),
  ),
  /** Columns of which drift cannot be told: neither drifted nor steady. */
  notJudged: optional(Type.Array(object({ column: Type.String(), because: Type.String() }))),
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

export const Rule = object({
  signal: Signal,
  severity: oneOf(['page', 'digest', 'off']),
  declared: oneOf(['page', 'digest', 'off']),
  /** Fires when at least `of` of the last `windows` windows found it. */
  of: Type.Integer(),
  windows: Type.Integer(),
  precision: Estimate,
  because: Type.String(),
})

export const Recurrence = object({
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
