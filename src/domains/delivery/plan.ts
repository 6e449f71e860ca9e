import { day, hour, milliseconds, second } from '../../core/duration.ts'
import { type AnswerBasis, basisOf, kinds } from '../evaluation/evaluation.ts'
import type { ModelSpec, OutcomeGuard } from '../registry/spec/spec.ts'

/** Frozen and hashed before the first request: what will be decided, and by which evidence. */
export type Plan = {
  shadowMs: number
  steps: number[]
  bakeMs: number
  holdMs: number
  checkMs: number
  /** Highest acceptable share of bad answers. */
  badRate: number
  /** Of the whole rollout, shared by its guards. */
  alpha: number
  /** "Not worse" means: at most this many times the bad rate of the control. */
  nonInferiorityRatio: number
  /** Evidence of harm aborts only when the canary's bad rate is this much higher. */
  minimumEffect: number
  /** Loss per prediction that the canary may be worse by. */
  qualityMargin: number
  loss: (typeof kinds)[AnswerBasis['output']]['loss']['name'] | 'none'
  /** How answers are held against labels. Plans of earlier versions lack it; they watched numbers only. */
  answers?: AnswerBasis
  /** Bounds on the ratio of means, canary over control; null is not watched. */
  latencyRatio: number | null
  costRatio: number | null
  /** Outcomes that must not get worse; plans of earlier versions have none. */
  outcomes?: OutcomeGuard[]
  /** Shadow answers that have to be there before the shadow step can pass. */
  minimumShadow: number
  /** Answers before the canary's first few count for neither arm: they were given while caches filled. */
  coldStart: number
  inconclusive: 'hold' | 'ship'
  /** A second person approves before the first traffic. */
  approval: boolean
  /** The model is deployed externally: its own `verify` is the evidence. */
  external: boolean
  /** Share of the units that are judged: less than all where reading all of them at every check would be too much. */
  sample: number
  salt: string
}

/** What is known when the plan is made: how careful to be, and how much traffic to expect. */
type Circumstances = { slower: number; approval: boolean; requestsPerDay: number }

const maxRequests = 400_000

/** The plan that a release of this model follows; caution stretches its steps and asks for an approval. */
export function planOf(spec: ModelSpec, release: string, { slower, approval, requestsPerDay }: Circumstances): Plan {
  const { rollout, external } = spec.delivery
  const bakeMs = milliseconds(rollout.bake) * slower
  const badRate = rollout.bad_rate ?? 0.05
  const shadowMs = milliseconds(rollout.shadow)
  const days = (shadowMs + bakeMs * rollout.steps.length) / day
  const sample = Math.min(1, maxRequests / Math.max(1, requestsPerDay * days))
  return {
    shadowMs,
    steps: rollout.steps.at(-1) === 100 ? [...rollout.steps] : [...rollout.steps, 100],
    bakeMs,
    holdMs: milliseconds(rollout.hold ?? '7d'),
    checkMs: Math.min(6 * hour, Math.max(10 * second, bakeMs / 8)),
    badRate,
    alpha: 0.05,
    nonInferiorityRatio: 1.5,
    minimumEffect: badRate / 10,
    qualityMargin: spec.success.quality.margin,
    loss: kinds[spec.serves.output].loss.name,
    answers: basisOf(spec),
    latencyRatio: rollout.latency_ratio ?? null,
    costRatio: rollout.cost_ratio ?? null,
    ...(rollout.guards ? { outcomes: rollout.guards } : {}),
    minimumShadow: 30,
    coldStart: 3,
    inconclusive: rollout.inconclusive ?? 'hold',
    approval,
    external: external !== undefined,
    sample: Number(sample.toPrecision(3)),
    salt: release,
  }
}

/** What a plan holds answers against; undefined where it watches no loss. */
export function answersIn({ answers, loss }: Plan): AnswerBasis | undefined {
  if (answers || loss === 'none') return answers
  return { output: loss === 'log_loss' ? 'binary' : 'regression', metrics: [], scorers: [] }
}

type RenamedFields = 'nonInferiorityRatio' | 'minimumEffect' | 'minimumShadow' | 'external'

/** A plan as earlier versions froze it. */
type OldPlan = Omit<Plan, RenamedFields> & {
  worseBy: number
  practical: number
  fewestShadow: number
  elsewhere: boolean
}

/** A stored plan under the present names. What was frozen is not rewritten, since its digest is of the old ones. */
export function readPlan(stored: Plan | OldPlan): Plan {
  if (!('worseBy' in stored)) return stored
  const { worseBy, practical, fewestShadow, elsewhere, ...plan } = stored
  return {
    ...plan,
    nonInferiorityRatio: worseBy,
    minimumEffect: practical,
    minimumShadow: fewestShadow,
    external: elsewhere,
  }
}
