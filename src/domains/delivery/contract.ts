import { type Static, Type } from 'typebox'
import {
  contract,
  Estimate,
  JsonObject,
  Name,
  object,
  oneOf,
  optional,
  page,
  paging,
  Time,
} from '../../core/contract.ts'

export const ReleaseKind = oneOf(['model', 'data', 'prompt', 'config', 'code', 'baseline'])
export const Trigger = oneOf(['human', 'schedule', 'drift', 'rollback', 'hotfix'])
export const ReleaseState = oneOf(['rolling_out', 'live', 'retired', 'rolled_back', 'superseded'])

export const Release = object({
  id: Type.String({ description: 'Such as flight-delay.r3' }),
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
  addresses: Type.Union([Type.String(), Type.Null()], { description: 'The failure group that it is meant to mend' }),
  plan: JsonObject,
  planDigest: Type.String(),
  createdAt: Time,
  /** First answered live traffic. */
  firstLiveAt: Type.Union([Time, Type.Null()]),
  /** Reached all traffic. */
  fullyLiveAt: Type.Union([Time, Type.Null()]),
  endedAt: Type.Union([Time, Type.Null()]),
  endedBecause: Type.Union([Type.String(), Type.Null()]),
  /** Failed before it had 50 % of the traffic: the guardrails caught it. */
  caught: Type.Union([Type.Boolean(), Type.Null()]),
})

export const RolloutState = oneOf(['shadow', 'step', 'holding', 'paused', 'promoted', 'rolled_back', 'superseded'])
export type RolloutState = Static<typeof RolloutState>

const Guard = object({
  guard: Type.String({ description: 'sample ratio, bad answers harm, bad answers proven, quality …' }),
  verdict: oneOf(['ok', 'harm', 'waiting']),
  value: Type.Union([Type.Number(), Type.Null()]),
  limit: Type.Union([Type.Number(), Type.Null()]),
  n: Type.Integer(),
  reason: Type.String(),
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
  history: Type.Array(
    object({ at: Time, state: RolloutState, share: Type.Number(), actor: Type.String(), reason: Type.String() }),
  ),
})

const Rate = object({
  mean: Type.Number(),
  lower: Type.Number(),
  upper: Type.Number(),
  failed: Type.Integer(),
  total: Type.Integer(),
  aboveTarget: Type.Number({ description: 'Posterior probability that it is above the target' }),
})

export const DeliveryMetrics = object({
  model: Name,
  from: Time,
  to: Time,
  deployments: Type.Integer(),
  perWeek: Type.Number(),
  leadTimeHours: Estimate,
  changeFailRate: Rate,
  escapeRate: object({
    escaped: Type.Integer(),
    caught: Type.Integer(),
    value: Type.Union([Type.Number(), Type.Null()]),
  }),
  rollbackSeconds: object({
    incidents: Type.Array(Type.Number()),
    drills: Type.Array(Type.Number()),
    worst: Type.Union([Type.Number(), Type.Null()]),
  }),
  alerts: object({
    pages: Type.Integer(),
    perWeek: Type.Number(),
    real: Type.Integer(),
    noise: Type.Integer(),
    unjudged: Type.Integer(),
  }),
})

export const Policy = object({
  model: Name,
  level: oneOf(['green', 'yellow', 'red']),
  reasons: Type.Array(Type.String()),
  effects: Type.Array(Type.String()),
})

export const LiveSpan = object({
  release: Type.String(),
  version: Type.Integer(),
  from: Time,
  to: Type.Union([Time, Type.Null()]),
  because: Type.String(),
})

const RolloutAction = object({ release: Type.String(), reason: optional(Type.String({ maxLength: 2000 })) })

export const delivery = contract({
  release: {
    method: 'POST',
    path: '/models/:model/releases',
    role: 'member',
    summary:
      'Releases a version by shadow and steps; refused without spec, owner, backup, rollback plan, fresh gate and clean lineage',
    input: object({
      model: Name,
      version: Type.Integer({ minimum: 1 }),
      kind: optional(oneOf(['model', 'data', 'prompt', 'config', 'code'])),
      trigger: optional(oneOf(['human', 'schedule', 'drift', 'hotfix'])),
      reason: Type.String({ minLength: 3, maxLength: 2000 }),
      addresses: optional(Type.String()),
    }),
    output: Release,
  },
  listReleases: {
    method: 'GET',
    path: '/models/:model/releases',
    role: 'viewer',
    summary: 'Releases of a model, newest first',
    input: object({ model: Name, ...paging }),
    output: page(Release),
  },
  getRelease: {
    method: 'GET',
    path: '/releases/:release',
    role: 'viewer',
    summary: 'One release',
    input: object({ release: Name }),
    output: Release,
  },
  getRollout: {
    method: 'GET',
    path: '/releases/:release/rollout',
    role: 'viewer',
    summary: 'Where a rollout stands, with the evidence of its current step',
    input: object({ release: Name }),
    output: Rollout,
  },
  promote: {
    method: 'POST',
    path: '/releases/:release/promote',
    role: 'member',
    summary: 'Goes to the next step now, without waiting for its evidence; recorded with the reason',
    input: RolloutAction,
    output: Rollout,
  },
  pause: {
    method: 'POST',
    path: '/releases/:release/pause',
    role: 'member',
    summary: 'Keeps the share as it is until resumed',
    input: RolloutAction,
    output: Rollout,
  },
  resume: {
    method: 'POST',
    path: '/releases/:release/resume',
    role: 'member',
    summary: 'Goes on after a pause',
    input: RolloutAction,
    output: Rollout,
  },
  abort: {
    method: 'POST',
    path: '/releases/:release/abort',
    role: 'member',
    summary: 'Takes all traffic away from a release that is rolling out',
    input: RolloutAction,
    output: Rollout,
  },
  rollback: {
    method: 'POST',
    path: '/models/:model/rollback',
    role: 'member',
    summary: 'Puts the previous release back with one routing write, then pins it',
    input: object({
      model: Name,
      reason: Type.String({ minLength: 3, maxLength: 2000 }),
      to: optional(Type.String({ description: 'A release that has been live' })),
    }),
    output: object({
      release: Release,
      replaced: Release,
      seconds: Type.Number(),
      pinned: Type.Boolean(),
      undo: Type.String(),
    }),
  },
  unpin: {
    method: 'POST',
    path: '/models/:model/unpin',
    role: 'member',
    summary: 'Lets releases go on after a rollback',
    input: object({ model: Name, reason: Type.String({ minLength: 3, maxLength: 2000 }) }),
    output: object({ model: Name, pinned: Type.Boolean() }),
  },
  drill: {
    method: 'POST',
    path: '/models/:model/drill',
    role: 'member',
    summary: 'Performs the rollback on the warm pair, verifies, restores, and records the seconds',
    input: object({ model: Name }),
    output: object({
      model: Name,
      from: Type.String(),
      to: Type.String(),
      seconds: Type.Number(),
      restoredSeconds: Type.Number(),
      passed: Type.Boolean(),
    }),
  },
  liveAt: {
    method: 'GET',
    path: '/models/:model/live',
    role: 'viewer',
    summary: 'What was live at a time, and on what share of the traffic',
    input: object({ model: Name, at: optional(Time) }),
    output: object({
      at: Time,
      live: Type.Union([LiveSpan, Type.Null()]),
      canary: Type.Union([
        object({ release: Type.String(), version: Type.Integer(), share: Type.Number() }),
        Type.Null(),
      ]),
    }),
  },
  timeline: {
    method: 'GET',
    path: '/models/:model/timeline',
    role: 'viewer',
    summary: 'Who was live from when to when, and why it ended',
    input: object({ model: Name }),
    output: object({ spans: Type.Array(LiveSpan) }),
  },
  metrics: {
    method: 'GET',
    path: '/models/:model/delivery',
    role: 'viewer',
    summary:
      'Deployment frequency, lead time, change-fail and escape rate, rollback time, alert rate, from the release log',
    input: object({ model: Name, from: optional(Time), to: optional(Time) }),
    output: DeliveryMetrics,
  },
  policy: {
    method: 'GET',
    path: '/models/:model/policy',
    role: 'viewer',
    summary: 'How freely this model may be released now, and why',
    input: object({ model: Name }),
    output: Policy,
  },
})
