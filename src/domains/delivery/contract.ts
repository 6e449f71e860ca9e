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

export const ReleaseKind = oneOf(['model', 'data', 'features', 'prompt', 'config', 'code', 'baseline'])
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

const Guard = object({
  guard: Type.String({ description: 'sample ratio, bad answers harm, bad answers proven, quality …' }),
  verdict: oneOf(['ok', 'harm', 'waiting']),
  required: Type.Boolean({ description: 'Without an ok of this one the step holds' }),
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

const Rate = object({
  mean: Type.Number(),
  lower: Type.Number(),
  upper: Type.Number(),
  failed: Type.Integer(),
  total: Type.Integer(),
  aboveTarget: Type.Number({ description: 'Posterior probability that it is above the target' }),
})

const Ratio = Type.Union([Type.Number(), Type.Null()])

const Throughput = object({ deployments: Type.Integer(), perWeek: Type.Number(), changeFailRate: Rate })

const Seconds = object({
  incidents: Type.Array(Type.Number()),
  drills: Type.Array(Type.Number()),
  aborts: Type.Array(Type.Number()),
  worst: Ratio,
  p90: Ratio,
})

export const DeliveryMetrics = object({
  model: Name,
  team: Type.String({ description: 'The owner of the spec' }),
  from: Time,
  to: Time,
  deployments: Type.Integer(),
  perWeek: Type.Number(),
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

const Override = object({
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
  met: Type.Boolean(),
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
  version: Type.Integer(),
  from: Time,
  to: Type.Union([Time, Type.Null()]),
  because: Type.String(),
})

const RolloutAction = object({ release: Type.String(), reason: optional(Type.String({ maxLength: 2000 })) })
const Reason = Type.String({ minLength: 3, maxLength: 2000 })

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
      kind: optional(oneOf(['model', 'data', 'features', 'prompt', 'config', 'code'])),
      trigger: optional(oneOf(['human', 'schedule', 'drift', 'hotfix'])),
      reason: Reason,
      addresses: optional(Type.String()),
      supersede: optional(Type.Boolean({ description: 'Ends another rollout of the model that is under way' })),
    }),
    output: Release,
  },
  planRelease: {
    method: 'GET',
    path: '/models/:model/versions/:version/release-plan',
    role: 'viewer',
    summary:
      'What a release of this version needs, what is missing, and the plan that it would follow; changes nothing',
    input: object({
      model: Name,
      version: Type.Integer({ minimum: 1 }),
      trigger: optional(oneOf(['human', 'schedule', 'drift', 'hotfix'])),
      addresses: optional(Type.String()),
    }),
    output: object({
      model: Name,
      version: Type.Integer(),
      ready: Type.Boolean(),
      requirements: Type.Array(Requirement),
      plan: Type.Union([JsonObject, Type.Null()]),
      planDigest: Type.Union([Type.String(), Type.Null()]),
      policy: Type.Union([Policy, Type.Null()]),
    }),
  },
  approve: {
    method: 'POST',
    path: '/models/:model/versions/:version/approvals',
    role: 'member',
    summary: 'A second person signs an artifact and its gate evidence; another artifact or other evidence voids it',
    input: object({
      model: Name,
      version: Type.Integer({ minimum: 1 }),
      report: optional(Type.String({ description: 'Refused unless the newest gate has this digest' })),
      reason: Reason,
    }),
    output: Approval,
  },
  listApprovals: {
    method: 'GET',
    path: '/models/:model/approvals',
    role: 'viewer',
    summary: 'Approvals of a model, newest first, each with whether it still holds',
    input: object({ model: Name, version: optional(Type.Integer({ minimum: 1 })) }),
    output: page(Approval),
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
    summary: 'Goes to all of the traffic now, without waiting for evidence; recorded with the reason',
    input: RolloutAction,
    output: Rollout,
  },
  skip: {
    method: 'POST',
    path: '/releases/:release/skip',
    role: 'member',
    summary: 'Leaves a step for the next one without waiting for its evidence; a step that is over stays over',
    input: object({
      release: Type.String(),
      step: Type.Integer({ minimum: -1, description: 'The step to leave: -1 is shadow, 0 the first share' }),
      reason: optional(Type.String({ maxLength: 2000 })),
    }),
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
      reason: Reason,
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
    input: object({ model: Name, reason: Reason }),
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
  bisect: {
    method: 'POST',
    path: '/models/:model/bisect',
    role: 'member',
    summary: 'Finds the first release that is worse than a good one on the golden set, by halving',
    input: object({
      model: Name,
      good: Type.String({ description: 'A release that was good' }),
      bad: Type.String({ description: 'A later release that is not' }),
    }),
    output: object({
      model: Name,
      first: Type.Union([Type.String(), Type.Null()]),
      explanation: Type.String(),
      looked: Type.Array(
        object({
          release: Type.String(),
          version: Type.Integer(),
          verdict: oneOf(['good', 'bad', 'cannot_tell']),
          evaluation: Type.String(),
          reason: Type.String(),
        }),
      ),
    }),
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
  overridePolicy: {
    method: 'POST',
    path: '/models/:model/policy/overrides',
    role: 'member',
    summary: 'Sets the policy aside for a while, in writing; every override is counted',
    input: object({ model: Name, owner: Type.String({ minLength: 3 }), reason: Reason, expiresAt: Time }),
    output: Override,
  },
  listOverrides: {
    method: 'GET',
    path: '/models/:model/policy/overrides',
    role: 'viewer',
    summary: 'Overrides of the policy, newest first',
    input: object({ model: Name }),
    output: page(Override),
  },
  overview: {
    method: 'GET',
    path: '/delivery',
    role: 'viewer',
    summary: 'Delivery of all models, of each team and of each kind of change',
    input: object({ from: optional(Time), to: optional(Time) }),
    output: object({
      models: Type.Array(DeliveryMetrics),
      teams: Type.Array(
        object({
          team: Type.String(),
          models: Type.Integer(),
          deployments: Type.Integer(),
          perWeek: Type.Number(),
          changeFailRate: Rate,
          caught: Type.Integer(),
          pages: Type.Integer(),
        }),
      ),
      kinds: Type.Array(
        object({ kind: ReleaseKind, deployments: Type.Integer(), changeFailRate: Rate, caught: Type.Integer() }),
      ),
    }),
  },
})
