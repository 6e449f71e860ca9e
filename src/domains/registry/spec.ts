import { type Static, Type } from 'typebox'
import { Name, object, oneOf, optional } from '../../core/contract.ts'
import { type Provider, Scorer } from './answers-spec.ts'
import { Serves } from './serves-spec.ts'

export type { Provider, Scorer }

const Duration = Type.String({ pattern: '^[0-9]+(s|m|h|d)$', description: 'Such as 30m, 1h, 2d' })
const Share = Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?%$', description: 'Such as 15%' })
const MetricName = Type.String({ minLength: 1, maxLength: 64 })

const Guardrail = object({
  metric: MetricName,
  within: optional(Type.Number({ minimum: 0, description: 'Absolute bound; of cost_per_1k, the budget' })),
  ratio: optional(Type.Number({ minimum: 1, description: 'Upper bound of candidate over baseline' })),
})

const timeout = optional(Duration)

/** A command, run without a shell, or a webhook. */
const Act = Type.Union([
  object({ command: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }), timeout }),
  object({ webhook: Type.String({ pattern: '^https?://' }), timeout }),
])
export type Act = Static<typeof Act>

/** `models/<name>.yaml`: the target behaviour and what success means; nothing is released without it. */
export const ModelSpec = object({
  model: Name,
  owner: Type.String({ minLength: 3 }),
  backup: Type.String({ minLength: 3 }),
  purpose: Type.String({ minLength: 10 }),
  serves: Serves,
  labels: optional(object({ from: Type.String({ description: 'source.column' }), arrive_within: Duration })),
  golden: Name,
  success: object({
    quality: object({ metric: MetricName, against: oneOf(['live', 'baseline']), margin: Type.Number({ minimum: 0 }) }),
    floors: optional(
      Type.Array(object({ metric: MetricName, at_least: optional(Type.Number()), at_most: optional(Type.Number()) })),
    ),
    guardrails: optional(Type.Array(Guardrail)),
    slices: optional(Type.Array(Type.String())),
    slice_margin: optional(Type.Number({ minimum: 0, description: 'For each slice; without it the margin of all' })),
    /** How often a model that answers differently each time is asked about an item. */
    repeats: optional(Type.Integer({ minimum: 1, maximum: 20 })),
    scorers: optional(Type.Array(Scorer)),
    /** What follows when the golden set is not like production any more. */
    golden: optional(
      object({
        coverage: optional(Type.Number({ minimum: 0, maximum: 1, description: 'Least share of traffic it covers' })),
        stale: optional(oneOf(['warn', 'block'])),
      }),
    ),
    parity: optional(
      object({
        tolerance: Type.Number({ minimum: 0, description: 'Difference of one value that counts' }),
        share: Type.Number({ minimum: 0, maximum: 1, description: 'Share of rows that may differ' }),
      }),
    ),
  }),
  delivery: object({
    targets: object({
      frequency: oneOf(['daily', 'weekly', 'monthly']),
      change_fail_rate: Share,
      rollback_time: Duration,
      alerts_per_week: Type.Number({ minimum: 0 }),
    }),
    rollout: object({
      shadow: Duration,
      steps: Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: 100 }), { minItems: 1 }),
      bake: Duration,
      /** A step without enough evidence holds at most this long before somebody has to decide. */
      hold: optional(Duration),
      /** Upper bound on the share of bad answers (errors, slow, invalid) that a step must prove. */
      bad_rate: optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
      slow_after: optional(Duration),
      /** Upper bounds of the canary's mean latency and cost over those of the control. */
      latency_ratio: optional(Type.Number({ minimum: 1 })),
      cost_ratio: optional(Type.Number({ minimum: 1 })),
      /** What follows when `hold` is over and the evidence still cannot tell. */
      inconclusive: optional(oneOf(['hold', 'ship'])),
    }),
    rollback: object({ to: oneOf(['previous', 'baseline']), drill_every: Duration, runbook: optional(Type.String()) }),
    /** For a model that something else serves: what brings a version there, takes it back, and looks whether it answers. */
    elsewhere: optional(
      object({
        deploy: Act,
        rollback: Act,
        verify: optional(Act),
        /** Names of the server's environment variables that the commands may see. */
        environment: optional(Type.Array(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }))),
      }),
    ),
  }),
  monitoring: optional(
    object({
      every: optional(Duration),
      anchor: optional(Type.String({ description: 'An instant at which a window begins, such as a Monday 00:00' })),
      bias: optional(Type.Number({ minimum: 0 })),
      psi: optional(Type.Number({ minimum: 0 })),
      min_rows: optional(Type.Integer({ minimum: 1 })),
      /** Alert rules as data; what is not named keeps its default. */
      rules: optional(
        Type.Array(
          object({
            signal: oneOf([
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
            ]),
            severity: optional(oneOf(['page', 'digest', 'off'])),
            of: optional(Type.Integer({ minimum: 1, maximum: 20 })),
            windows: optional(Type.Integer({ minimum: 1, maximum: 20 })),
          }),
        ),
      ),
    }),
  ),
  review: object({ every: oneOf(['day', 'week', 'month']), on: optional(Type.String()) }),
})
export type ModelSpec = Static<typeof ModelSpec>
