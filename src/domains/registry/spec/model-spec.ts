import type { Static } from 'typebox'
import { Duration, duration, Name, object, oneOf, optional } from '../../../core/contract.ts'
import { Type } from '../../../core/shapes/shapes.ts'
import { Against } from './against.ts'
import { type Provider, Scorer } from './answers.ts'
import { OutcomeGuard } from './guards.ts'
import { Serves } from './serves.ts'

export type { Provider, Scorer }

const MetricName = Type.String({ minLength: 1, maxLength: 64, description: 'A metric, or the name of a scorer' })

const Guardrail = object({
  metric: MetricName,
  within: optional(Type.Number({ minimum: 0, description: 'Absolute bound; of cost_per_1k, the budget' })),
  ratio: optional(Type.Number({ minimum: 1, description: 'Upper bound of candidate over baseline' })),
})

/**
 * What can be alerted on, in order of importance: labels wrong (bias, quality), served features differ, values that are missing
 * now, service (errors, latency, cost), what is estimated without labels, drift, data at its source, what the
 * platform was to do by itself (a scheduled run, starting a release); `external` came from another
 * alerting system.
 */
export const signals = [
  'bias',
  'quality',
  'parity',
  'missing',
  'errors',
  'latency',
  'cost',
  'estimate',
  'drift',
  'data',
  'operation',
  'external',
] as const

const timeout = optional(Duration)

const Act = Type.Union([
  object({
    command: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'Run without a shell' }),
    timeout,
  }),
  object({ webhook: Type.String({ pattern: '^https?://', description: 'Called instead of a command' }), timeout }),
])
export type Act = Static<typeof Act>

const externalFields = {
  deploy: Act,
  rollback: Act,
  verify: optional(Act),
  environment: optional(
    Type.Array(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), {
      description: "Names of the server's environment variables that the commands may see",
    }),
  ),
}

/** `models/<name>.yaml`: the target behaviour and what success means; nothing is released without it. */
export const ModelSpec = object({
  model: Name,
  owner: Type.String({ minLength: 3, description: 'Who answers for it' }),
  backup: Type.String({ minLength: 3, description: 'Who does when the owner is away; somebody else' }),
  purpose: Type.String({ minLength: 10, description: 'What is decided with its answers' }),
  level: optional(
    oneOf(['watch', 'gate', 'deliver'], {
      description: 'What its file asks for: monitoring only, gates too, or releases; told by what is in it',
    }),
  ),
  serves: Serves,
  labels: optional(
    object(
      {
        from: Type.String({ description: 'source.column' }),
        id: optional(
          Type.String({
            minLength: 1,
            description: 'Column of the source with the id of the prediction; prediction_id, where it has that',
          }),
        ),
        by: optional(
          Type.Union(
            [
              Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 8 }),
              Type.Record(Type.String(), Type.String({ minLength: 1 }), { minProperties: 1, maxProperties: 8 }),
            ],
            {
              description:
                'Columns of the source that are inputs of the prediction too, or column: input, where they are called differently: the first row at or after the prediction is its label',
            },
          ),
        ),
        after: optional(
          duration('A label counts when so long has passed since the prediction; then the newest row until then is it'),
        ),
        arrive_within: duration('After so long all labels are there'),
      },
      { description: 'Where it is seen what turned out, and until when all of it is' },
    ),
  ),
  predictions: optional(
    object(
      {
        from: Type.String({ minLength: 1, description: 'A source: each of its rows is a prediction that was made' }),
        id: optional(Type.String({ minLength: 1, description: 'Its column with the id, which labels refer to; id' })),
        output: optional(Type.String({ minLength: 1, description: 'Its column with the answer; output' })),
        at: optional(Type.String({ minLength: 1, description: 'Its column with the moment; the time of the source' })),
        release: optional(Type.String({ minLength: 1, description: 'Its column with the name of what answered' })),
        version: optional(Type.String({ minLength: 1, description: 'Its column with the number of a version' })),
        unit: optional(Type.String({ minLength: 1, description: 'Its column with the user or session' })),
        latency: optional(Type.String({ minLength: 1, description: 'Its column with the milliseconds it took' })),
        inputs: optional(
          Type.Array(Type.String({ minLength: 1 }), { description: 'Its columns with inputs; all others' }),
        ),
      },
      { description: 'Where predictions are found that a service of its own makes' },
    ),
  ),
  golden: Name,
  success: object({
    quality: object({
      metric: MetricName,
      against: Against,
      margin: Type.Number({ minimum: 0, description: 'How much worse is proven not to be the case' }),
    }),
    floors: optional(
      Type.Array(
        object({
          metric: MetricName,
          at_least: optional(Type.Number({ description: 'Lower bound that is proven' })),
          at_most: optional(Type.Number({ description: 'Upper bound that is proven' })),
        }),
        { description: 'Bounds that hold whatever is live' },
      ),
    ),
    guardrails: optional(Type.Array(Guardrail, { description: 'What must not get worse besides' })),
    slices: optional(
      Type.Array(Type.String(), { description: 'Columns of the golden set that are judged value by value' }),
    ),
    slice_margin: optional(Type.Number({ minimum: 0, description: 'For each slice; without it the margin of all' })),
    repeats: optional(
      Type.Integer({
        minimum: 1,
        maximum: 20,
        description: 'How often each item is asked; 3 for language models, else 1',
      }),
    ),
    scorers: optional(Type.Array(Scorer, { description: 'How an answer of text becomes a number' })),
    golden: optional(
      object(
        {
          coverage: optional(Type.Number({ minimum: 0, maximum: 1, description: 'Least share of traffic it covers' })),
          stale: optional(oneOf(['warn', 'block'], { description: 'What follows when it is too easy by now; warn' })),
        },
        { description: 'How like production the golden set has to be' },
      ),
    ),
    parity: optional(
      object(
        {
          tolerance: Type.Number({ minimum: 0, description: 'Difference of one value that counts' }),
          share: Type.Number({ minimum: 0, maximum: 1, description: 'Share of rows that may differ' }),
        },
        { description: 'How far values at serving may differ from those of the training set' },
      ),
    ),
    leakage: optional(
      object(
        {
          allow: Type.Array(
            object({
              input: Type.String({ minLength: 1, description: 'An input that may order the labels almost alone' }),
              because: Type.String({ minLength: 10, description: 'Why it is known before the answer is' }),
            }),
            {
              minItems: 1,
              maxItems: 1_000,
              description: 'Signed once by a second person, as long as it stays as it is',
            },
          ),
        },
        { description: 'Inputs that look as if they knew the answer, and do not' },
      ),
    ),
    skew: optional(
      object(
        {
          psi: optional(
            Type.Number({ minimum: 0, description: 'Smallest difference that matters, as PSI; monitoring.psi' }),
          ),
          allow: optional(
            Type.Array(Type.String({ minLength: 1 }), {
              maxItems: 1_000,
              description: 'Columns that are meant to differ, such as the date',
            }),
          ),
        },
        { description: 'How far the training rows of a version may be from what is served when it is released' },
      ),
    ),
  }),
  delivery: object({
    targets: object({
      frequency: oneOf(['daily', 'weekly', 'monthly'], { description: 'How often a change goes live at least' }),
      change_fail_rate: Type.String({
        pattern: '^[0-9]+(\\.[0-9]+)?%$',
        description: 'Share of changes that fail, at most, such as 15%',
      }),
      rollback_time: duration('From the decision to all of the traffic'),
      alerts_per_week: Type.Number({ minimum: 0, description: 'Pages at the most' }),
    }),
    rollout: object({
      shadow: duration('So long its answers are compared and given to nobody'),
      steps: Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: 100 }), {
        minItems: 1,
        description: 'Percent of the traffic, one after another',
      }),
      bake: duration('So long each step lasts at least'),
      hold: optional(duration('So long a step waits for evidence before somebody has to decide; 7d')),
      bad_rate: optional(
        Type.Number({
          exclusiveMinimum: 0,
          maximum: 1,
          description: 'Share of bad answers (errors, slow, invalid) that each step proves not to exceed; 0.05',
        }),
      ),
      slow_after: optional(duration('An answer that takes longer is a bad one')),
      latency_ratio: optional(
        Type.Number({ minimum: 1, description: "Upper bound of the canary's mean latency over the control's" }),
      ),
      cost_ratio: optional(
        Type.Number({ minimum: 1, description: "Upper bound of the canary's mean cost over the control's" }),
      ),
      guards: optional(
        Type.Array(OutcomeGuard, {
          minItems: 1,
          maxItems: 20,
          description: 'Outcomes that must not get worse; without any report of one a step holds',
        }),
      ),
      inconclusive: optional(
        oneOf(['hold', 'ship'], { description: '`hold` is over and the evidence cannot tell; hold' }),
      ),
    }),
    rollback: object({
      to: oneOf(['previous', 'baseline'], { description: 'Who answers after a rollback' }),
      drill_every: duration('How often the rollback is rehearsed at least'),
      runbook: optional(Type.String({ description: 'Where it says what else is to be done' })),
    }),
    external: optional(
      object(externalFields, {
        description:
          'For a model that something else serves: what brings a version there, takes it back, and looks whether it answers',
      }),
    ),
    elsewhere: optional(
      object(externalFields, { description: 'The old name of `external`, still read', deprecated: true }),
    ),
  }),
  monitoring: optional(
    object({
      every: optional(duration('Length of a window; 7d', { units: ['m', 'h', 'd', 'w'], positive: true })),
      anchor: optional(Type.String({ description: 'An instant at which a window begins, such as a Monday 00:00' })),
      bias: optional(
        Type.Number({ minimum: 0, description: 'Mean answer minus mean label that counts as wrong; 0.03' }),
      ),
      psi: optional(Type.Number({ minimum: 0, description: 'Smallest drift that matters, as PSI; 0.2' })),
      min_rows: optional(
        Type.Integer({ minimum: 1, description: 'Windows with fewer rows are merged until there are as many; 300' }),
      ),
      rules: optional(
        Type.Array(
          object({
            signal: oneOf(signals, { description: 'What is watched' }),
            severity: optional(oneOf(['page', 'digest', 'off'], { description: 'Who hears of it' })),
            of: optional(
              Type.Integer({ minimum: 1, maximum: 20, description: 'So many of the last `windows` must agree' }),
            ),
            windows: optional(Type.Integer({ minimum: 1, maximum: 20, description: 'How many are looked at' })),
          }),
          { description: 'Alert rules as data; what is not named keeps its default' },
        ),
      ),
    }),
  ),
  review: object({
    every: oneOf(['day', 'week', 'month'], { description: 'How often the team looks back' }),
    on: optional(Type.String({ description: 'The day, such as monday' })),
  }),
})
export type ModelSpec = Static<typeof ModelSpec>
