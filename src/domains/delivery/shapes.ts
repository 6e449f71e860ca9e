import type { Static } from 'typebox'
import { Estimate, JsonObject, Name, object, oneOf, optional, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { Verdict } from '../evaluation/contract.ts'

export const ReleaseKind = oneOf(['model', 'data', 'features', 'prompt', 'config', 'code', 'external', 'baseline'])
const Trigger = oneOf(['human', 'schedule', 'drift', 'rollback', 'hotfix'])
const ReleaseState = oneOf(['rolling_out', 'live', 'retired', 'rolled_back', 'superseded'])

export const Release = object({
  id: Type.String({ description: 'Such as flight-delay.r3' }),
  seenAs: Type.Union([Type.String(), Type.Null()], {
    description: 'The name that recorded predictions gave: it was seen there, not released from here',
  }),
  model: Name,
  number: Type.Integer(),
  version: Type.Integer(),
  kind: ReleaseKind,
  trigger: Trigger,
  state: ReleaseState,
  reason: Type.String(),
  owner: Type.String(),
  backup: Type.String(),
  gate: Type.Union([Type.String(), Type.Null()]),
  addresses: Type.Union([Type.String(), Type.Null()], { description: 'The failure group that it is meant to fix' }),
  plan: JsonObject,
  planDigest: Type.String(),
  createdAt: Time,
  createdBy: Type.String(),
  /** First answered live traffic. */
  firstLiveAt: Type.Union([Time, Type.Null()]),
  /** Reached all traffic. */
  fullyLiveAt: Type.Union([Time, Type.Null()]),
  endedAt: Type.Union([Time, Type.Null()]),
  endedBecause: Type.Union([Type.String(), Type.Null()]),
  /** Failed before it had 50 % of the traffic: the guardrails caught it. */
  caught: Type.Union([Type.Boolean(), Type.Null()]),
})

export const RolloutState = oneOf([
  'shadow',
  'step',
  'holding',
  'awaiting_approval',
  'paused',
  'promoted',
  'rolled_back',
  'superseded',
])
export type RolloutState = Static<typeof RolloutState>

const Needs = object({
  units: Type.Union([Type.Integer(), Type.Null()], {
    description: 'How many more, if they are as good as those so far; null: at this rate of bad answers never',
  }),
  perHour: Type.Number({ description: 'How many of them came an hour' }),
  hours: Type.Number({ description: 'Over so many hours up to `at`' }),
  at: Time,
})

const Guard = object({
  guard: Type.String({ description: 'sample ratio, bad answers harm, bad answers proven, quality …' }),
  verdict: oneOf(['ok', 'harm', 'waiting']),
  required: Type.Boolean({ description: 'Without an ok of this one the step holds' }),
  value: Type.Union([Type.Number(), Type.Null()]),
  limit: Type.Union([Type.Number(), Type.Null()]),
  n: Type.Integer(),
  reason: Type.String(),
  needs: optional(Needs),
})

const Forecast = object({
  needs: Type.Union([Type.Integer(), Type.Null()], {
    description: 'Units (answers in shadow) that are still needed, if they are as good as those so far',
  }),
  perHour: Type.Number({ description: 'How many of them came an hour, over the last `hours`' }),
  hours: Type.Number(),
  expectedAt: Type.Union([Time, Type.Null()], { description: 'When the evidence is there at this traffic' }),
  stepUntil: Time,
  sentence: Type.String(),
})

export const Rollout = object({
  release: Type.String(),
  model: Name,
  state: RolloutState,
  /** Index into `steps`; -1 in shadow. */
  step: Type.Integer(),
  steps: Type.Array(Type.Number()),
  share: Type.Number({ minimum: 0, maximum: 1 }),
  stepStartedAt: Time,
  nextCheckAt: Type.Union([Time, Type.Null()]),
  guards: Type.Array(Guard),
  /** What the step still waits for; null when it is over, and of external deployments. */
  forecast: Type.Union([Forecast, Type.Null()]),
  history: Type.Array(
    object({
      at: Time,
      state: RolloutState,
      share: Type.Number(),
      actor: Type.String(),
      reason: Type.String(),
      evidence: Type.Array(Guard, { description: 'What the guards said at that moment' }),
    }),
  ),
})

export const Rate = object({
  mean: Type.Number(),
  lower: Type.Number(),
  upper: Type.Number(),
  failed: Type.Integer(),
  total: Type.Integer(),
  aboveTarget: Type.Number({ description: 'Posterior probability that it is above the target' }),
})

export const Ratio = Type.Union([Type.Number(), Type.Null()])

const Throughput = object({ deployments: Type.Integer(), perWeek: Type.Number(), changeFailRate: Rate })

const Seconds = object({
  incidents: Type.Array(Type.Number()),
  drills: Type.Array(Type.Number()),
  aborts: Type.Array(Type.Number()),
  worst: Ratio,
  p90: Ratio,
})

const Frequency = object({
  target: oneOf(['daily', 'weekly', 'monthly']),
  perWeek: Type.Number({ description: 'What the target comes to; daily means working days' }),
  met: Type.Boolean(),
})

export const DeliveryMetrics = object({
  model: Name,
  team: Type.String({ description: 'The owner of the spec' }),
  from: Time,
  to: Time,
  deployments: Type.Integer(),
  perWeek: Type.Number(),
  frequency: Type.Union([Frequency, Type.Null()], { description: 'Against what the spec wants' }),
  leadTimeHours: Estimate,
  changeFailRate: Rate,
  escapeRate: object({ escaped: Type.Integer(), caught: Type.Integer(), value: Ratio }),
  /** Minutes in which failed releases were replaced, counted from three moments. */
  recoveryMinutes: object({ fromFirstTraffic: Estimate, fromDetection: Estimate, fromDecision: Estimate }),
  rollbackSeconds: Seconds,
  rework: object({ hotfixes: Type.Integer(), deployments: Type.Integer(), value: Ratio }),
  alerts: object({
    pages: Type.Integer(),
    perWeek: Type.Number(),
    perDeployment: Ratio,
    real: Type.Integer(),
    noise: Type.Integer(),
    unjudged: Type.Integer(),
    precision: Ratio,
  }),
  overrides: Type.Integer({ description: 'Times that somebody set the policy aside' }),
  /** The same without what a schedule released: retrains must not hide how people deliver. */
  withoutScheduled: Throughput,
  byKind: Type.Array(
    object({ kind: ReleaseKind, deployments: Type.Integer(), failed: Type.Integer(), caught: Type.Integer() }),
  ),
  /** Four weeks each, oldest first. */
  trend: Type.Array(
    object({
      from: Time,
      to: Time,
      deployments: Type.Integer(),
      failed: Type.Integer(),
      caught: Type.Integer(),
      pages: Type.Integer(),
      leadTimeHours: Ratio,
    }),
  ),
})

const Level = oneOf(['green', 'yellow', 'red'])

const Effects = object({
  slower: Type.Number({ description: 'Each step lasts this many times as long' }),
  approver: Type.Boolean({ description: 'A second person approves before the first traffic' }),
  goldenDays: Type.Union([Type.Number(), Type.Null()], { description: 'The golden set may be at most this old' }),
  frozen: Type.Boolean({ description: 'Only rollbacks and hotfixes that name a failure' }),
})

export const Override = object({
  id: Type.String(),
  model: Name,
  owner: Type.String(),
  reason: Type.String(),
  createdAt: Time,
  expiresAt: Time,
  active: Type.Boolean(),
})

export const Policy = object({
  model: Name,
  level: Level,
  reasons: Type.Array(Type.String()),
  effects: Type.Array(Type.String()),
  rules: Effects,
  signals: Type.Array(
    object({
      signal: Type.String(),
      level: Level,
      value: Ratio,
      yellow: Type.String(),
      red: Type.String(),
      reason: Type.String(),
    }),
  ),
  override: Type.Union([Override, Type.Null()]),
})

export const Requirement = object({
  requirement: Type.String({ description: 'spec, owner, backup, rollback plan, gate, lineage …' }),
  verdict: Verdict,
  blocks: Type.Boolean({ description: 'Whether it stops this release; a verdict of cannot_tell does not always' }),
  met: Type.Boolean({ description: 'True when the verdict is "pass", and never otherwise' }),
  detail: Type.String(),
})

export const Approval = object({
  id: Type.String(),
  model: Name,
  version: Type.Integer(),
  artifact: Type.String({ description: 'Digest of the artifact that was approved' }),
  report: Type.String({ description: 'Digest of the gate evidence that was approved' }),
  by: Type.String(),
  reason: Type.String(),
  at: Time,
  valid: Type.Boolean({ description: 'False once the artifact or the evidence is another' }),
})

export const LiveSpan = object({
  release: Type.String(),
  seenAs: Type.Union([Type.String(), Type.Null()], { description: 'Its name in recorded predictions' }),
  version: Type.Integer(),
  from: Time,
  to: Type.Union([Time, Type.Null()]),
  because: Type.String(),
})
