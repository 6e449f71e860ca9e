import { contract, Estimate, Name, Nothing, object, oneOf, optional, page, paging, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { RolloutState } from '../delivery/contract.ts'

export const Guardrail = oneOf(['ingest', 'train', 'eval', 'shadow', 'canary', 'monitor', 'alert'])

export const FailureGroup = object({
  id: Type.String(),
  model: Name,
  title: Type.String({ description: 'In words: what these cases share' }),
  slice: Type.Record(Type.String(), Type.String()),
  state: oneOf(['new', 'ongoing', 'archived']),
  cases: Type.Integer({ description: 'Wrong predictions in the group' }),
  exposure: Type.Integer({ description: 'All labelled predictions in the slice' }),
  errorRate: Estimate,
  overallErrorRate: Type.Number(),
  excess: Type.Number({ description: 'Cases beyond what the overall rate would give' }),
  firstRelease: Type.String(),
  releases: Type.Array(Type.String()),
  examples: Type.Array(Type.String({ description: 'Prediction ids' })),
  code: Type.Union([Type.String(), Type.Null()], { description: 'Root cause' }),
  shouldHaveCaught: Type.Union([Type.String(), Type.Null()]),
  from: Time,
  to: Time,
})

export const Decision = object({
  id: Type.String(),
  at: Time,
  model: Type.Union([Name, Type.Null()]),
  what: Type.String(),
  reason: Type.String(),
  actor: Type.String(),
  evidence: Type.Union([Type.String(), Type.Null()]),
})

const ReadinessTest = object({
  test: Type.String({ description: 'D1 … O7, the 28 tests of the ML Test Score' }),
  section: oneOf(['data', 'model', 'infrastructure', 'monitoring']),
  title: Type.String(),
  points: Type.Number({ description: '0, 0.5 (by hand) or 1 (automatic)' }),
  evidence: Type.String(),
})

const Card = object({
  model: Name,
  state: oneOf(['steady', 'rolling_out', 'needs_you', 'not_released', 'cannot_tell'], {
    description: 'Steady by the newest window; `cannot_tell` where none is complete, or nothing was served in it',
  }),
  headline: Type.String(),
  release: Type.Union([Type.String(), Type.Null()]),
  version: Type.Union([Type.Integer(), Type.Null()]),
  liveSince: Type.Union([Time, Type.Null()]),
  pinned: Type.Boolean(),
  rollout: Type.Union(
    [
      object({
        release: Type.String(),
        version: Type.Integer(),
        state: RolloutState,
        share: Type.Number(),
        needs: Type.Union([Type.String(), Type.Null()], { description: 'How much more, and when it is there' }),
      }),
      Type.Null(),
    ],
    { description: 'The release that is on its way, whatever else the model waits for' },
  ),
  quality: object({ metric: Type.String(), now: Estimate, atRelease: Estimate }),
  /** The window that `quality.now` and `p95Ms` are of. */
  window: Type.Union([
    object({ from: Time, to: Time, requests: Type.Integer(), labelled: Type.Integer() }),
    Type.Null(),
  ]),
  labelsUntil: Type.Union([Time, Type.Null()], { description: 'When the newest label of that window became known' }),
  p95Ms: Estimate,
  sparkline: Type.Array(object({ at: Time, value: Type.Union([Type.Number(), Type.Null()]) })),
  releases: Type.Array(object({ at: Time, release: Type.String() })),
  policy: oneOf(['green', 'yellow', 'red']),
})

export const review = contract({
  status: {
    method: 'GET',
    path: '/status',
    role: 'viewer',
    summary: 'Is everything steady? One sentence, a card per model, what needs a person',
    input: Nothing,
    output: object({
      now: Time,
      sentence: Type.String(),
      steady: Type.Integer(),
      needYou: Type.Integer(),
      cannotTell: Type.Integer({ description: 'Live models of which no window, or an empty one, is the newest' }),
      models: Type.Array(Card),
      todo: Type.Array(object({ model: Name, kind: Type.String(), summary: Type.String(), command: Type.String() })),
      log: object(
        {
          failing: Type.Boolean(),
          waiting: Type.Integer({ description: 'Answers in memory' }),
          dropped: Type.Integer({ description: 'Answers lost since this server started' }),
          gap: Type.Union([
            object({ after: Time, seconds: Type.Integer(), predictionsAtMost: Type.Integer() }),
            Type.Null(),
          ]),
          summary: Type.Union([Type.String(), Type.Null()]),
        },
        { description: 'Whether what is answered is written down' },
      ),
      notStarted: Type.Array(object({ model: Name, release: Type.String(), reason: Type.String() }), {
        description: 'Releases that this server could not start; others stand in for them, and they are tried again',
      }),
      unreadable: Type.Array(object({ source: Name, reason: Type.String() }), {
        description: 'Sources whose rows cannot be read; everything else goes on',
      }),
      fetching: Type.Array(object({ what: Type.String(), problem: Type.String() }), {
        description: 'Rows, labels and predictions that should come by themselves and do not',
      }),
    }),
  },
  listFailures: {
    method: 'GET',
    path: '/models/:model/failures',
    role: 'viewer',
    summary: 'Groups of wrong predictions, most excess cases first',
    input: object({ model: Name, ...paging }),
    output: page(FailureGroup),
  },
  codeFailure: {
    method: 'POST',
    path: '/failures/:failure/code',
    role: 'member',
    summary: 'Names the root cause of a group, and which guardrail should have caught it',
    input: object({
      failure: Name,
      code: Type.String({ maxLength: 64 }),
      shouldHaveCaught: optional(Guardrail),
    }),
    output: FailureGroup,
  },
  addToGolden: {
    method: 'POST',
    path: '/failures/:failure/golden',
    role: 'member',
    summary: 'Makes examples of a group items of the golden set: a new version of it',
    input: object({ failure: Name, examples: optional(Type.Integer({ minimum: 1, maximum: 100 })) }),
    output: object({ golden: Name, version: Type.Integer(), added: Type.Integer() }),
  },
  decide: {
    method: 'POST',
    path: '/decisions',
    role: 'member',
    summary: 'Records a decision with its reason and evidence',
    input: object({
      model: optional(Name),
      what: Type.String({ minLength: 3, maxLength: 500 }),
      reason: Type.String({ minLength: 3, maxLength: 4000 }),
      evidence: optional(Type.String({ maxLength: 500 })),
    }),
    output: Decision,
  },
  listDecisions: {
    method: 'GET',
    path: '/decisions',
    role: 'viewer',
    summary: 'Who decided what and why, newest first; releases, rollbacks and overrides are among them',
    input: object({ model: optional(Name), ...paging }),
    output: page(Decision),
  },
  readiness: {
    method: 'GET',
    path: '/models/:model/readiness',
    role: 'viewer',
    summary: 'The ML Test Score of a model, computed from the records',
    input: object({ model: Name }),
    output: object({
      model: Name,
      score: Type.Number({ description: 'The minimum of the four sections' }),
      sections: object({
        data: Type.Number(),
        model: Type.Number(),
        infrastructure: Type.Number(),
        monitoring: Type.Number(),
      }),
      tests: Type.Array(ReadinessTest),
    }),
  },
})
