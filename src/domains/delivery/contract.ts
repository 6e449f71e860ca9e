import { contract, JsonObject, Name, object, oneOf, optional, page, paging, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import {
  Approval,
  DeliveryMetrics,
  LiveSpan,
  Override,
  Policy,
  Rate,
  Release,
  ReleaseKind,
  Requirement,
  Rollout,
} from './shapes.ts'

export { RolloutState } from './shapes.ts'

/** What a person or a schedule may say of a release; the others are for what the platform does by itself. */
export const ChosenKind = oneOf(['model', 'data', 'features', 'prompt', 'config', 'code'])
export const ChosenTrigger = oneOf(['human', 'schedule', 'drift', 'hotfix'])

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
      kind: optional(ChosenKind),
      trigger: optional(ChosenTrigger),
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
      trigger: optional(ChosenTrigger),
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
