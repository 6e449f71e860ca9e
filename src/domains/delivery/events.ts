import { appender } from '../../core/background/background.ts'
import { oneOf, Time } from '../../core/contract.ts'
import { event } from '../../core/event-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { Routing } from '../serving/contract.ts'
import { Release as ReleaseShape } from './shapes.ts'

const Model = 'model/<model>'
const Release = Type.String({ description: 'Such as flight-delay.r3' })
const Version = Type.Integer({ description: 'Of the model; 0 is the baseline' })
const Reason = Type.String()
const { kind: Kind, trigger: Trigger } = ReleaseShape.properties

const stayed = { release: Release, reason: Reason }
const ended = {
  release: Release,
  version: Version,
  reason: Reason,
  caught: Type.Union([Type.Boolean(), Type.Null()], { description: 'Whether it failed before half of the traffic' }),
}
const measured = {
  kind: oneOf(['incident', 'drill', 'abort']),
  from: Release,
  to: Release,
  seconds: Type.Number({ description: 'From the decision to all of the traffic on the other release' }),
  passed: Type.Boolean({ description: 'Whether the gateway was seen to answer with it' }),
}

export const events = {
  'delivery.release_created': event(Model, 'Somebody, or a schedule, began to release a version.', {
    release: Release,
    version: Version,
    kind: Kind,
    trigger: Trigger,
    planDigest: Type.String({ description: 'Of the plan that was registered before the first request' }),
    reason: Reason,
  }),
  'delivery.rollout_shadow': event(Model, 'A release gets copies of requests, and answers none.', stayed),
  'delivery.rollout_step': event(Model, 'A rollout that was held up goes on with its step.', stayed),
  'delivery.rollout_holding': event(Model, 'A rollout does not go on until its evidence can tell.', stayed),
  'delivery.rollout_awaiting_approval': event(Model, 'A rollout waits for a second person.', stayed),
  'delivery.rollout_paused': event(Model, 'Somebody paused a rollout.', stayed),
  'delivery.step_started': event(Model, 'A release answers a larger share of the traffic.', {
    release: Release,
    version: Version,
    share: Type.Number({ description: 'Between 0 and 1' }),
  }),
  'delivery.promoted': event(Model, 'A release answers all of the traffic.', {
    release: Release,
    version: Version,
    reason: Reason,
  }),
  'delivery.aborted': event(Model, 'A rollout ended because its release failed.', ended),
  'delivery.superseded': event(Model, 'A rollout ended because a newer release took its place.', ended),
  'delivery.rolled_back': event(Model, 'An earlier release answers all of the traffic again.', {
    from: Release,
    to: Release,
    version: Type.Integer({ description: 'Of the release that answers now; 0 is the baseline' }),
    reason: Reason,
  }),
  'delivery.live_changed': event(Model, 'Another release is live, for whatever reason.', {
    model: Type.String(),
    release: Release,
    version: Version,
  }),
  'delivery.rollback_measured': event(Model, 'A rollback, or the end of a failed rollout, was verified.', measured),
  'delivery.drilled': event(Model, 'A rollback was rehearsed.', measured),
  'delivery.mended': event(Model, 'Traffic that an interrupted drill had left elsewhere was put back.', {
    live: Release,
    found: Type.String({ description: 'The release that answered before' }),
  }),
  'delivery.unpinned': event(Model, 'Releases may go on after a rollback.', { reason: Reason }),
  'delivery.approved': event(Model, 'A second person approved a version.', {
    version: Version,
    artifact: Type.String({ description: 'Digest of what was approved' }),
    report: Type.String({ description: "Digest of the gate's evidence" }),
    reason: Reason,
  }),
  'delivery.policy_overridden': event(Model, 'Somebody set the policy aside for a time.', {
    owner: Type.String(),
    reason: Reason,
    expiresAt: Time,
  }),
  'delivery.bisected': event(Model, 'The first bad release between two was looked for.', {
    good: Release,
    bad: Release,
    first: Type.Union([Release, Type.Null()], { description: 'The first bad one' }),
    looks: Type.Integer({ description: 'How many releases were compared' }),
  }),
  'delivery.release_seen': event(
    Model,
    'Recorded predictions of a service elsewhere name a release for the first time.',
    {
      release: Release,
      name: Type.String({ description: 'What they call it' }),
      version: Version,
      at: Time,
    },
  ),
  'delivery.rollback_seen': event(
    Model,
    'Recorded predictions name an earlier release again, and the newer one no more.',
    {
      from: Release,
      to: Release,
      at: Time,
      forward: Type.Boolean({ description: 'Whether it is the later one that came back' }),
    },
  ),
  'delivery.act_failed': event(Model, 'A deploy or a rollback of something served elsewhere failed.', {
    release: Release,
    action: oneOf(['deploy', 'rollback', 'verify']),
    reason: Reason,
  }),
  'delivery.traffic_changed': event(
    Model,
    'Another release of something served elsewhere answers, or a share of the traffic moved.',
    Routing.properties,
  ),
}

export const append = appender(events)
