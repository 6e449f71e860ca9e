import type { Static } from 'typebox'
import { day, hour, milliseconds, second } from '../../core/duration.ts'
import type { ModelSpec } from '../registry/spec/spec.ts'
import type { delivery } from './contract.ts'
import type { RolloutState } from './shapes.ts'

export type Guard = Static<(typeof delivery)['getRollout']['output']>['guards'][number]

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
  worseBy: number
  /** Evidence of harm aborts only when the canary's bad rate is this much higher. */
  practical: number
  /** Loss per prediction that the canary may be worse by. */
  qualityMargin: number
  loss: 'log_loss' | 'absolute_error' | 'none'
  /** Bounds on the ratio of means, canary over control; null is not watched. */
  latencyRatio: number | null
  costRatio: number | null
  fewestShadow: number
  /** Answers before the canary's first few count for neither arm: they were given while caches filled. */
  coldStart: number
  inconclusive: 'hold' | 'ship'
  /** A second person approves before the first traffic. */
  approval: boolean
  /** Something else serves the model: its `verify` is the evidence. */
  elsewhere: boolean
  /** Share of the units that are looked at: all, unless there are more than a server should read again and again. */
  sample: number
  salt: string
}

/** What is known when the plan is made: how careful to be, and how much traffic to expect. */
type Circumstances = { slower: number; approval: boolean; requestsPerDay: number }

const mostRequests = 400_000

const lossOf = { binary: 'log_loss', regression: 'absolute_error' } as const

/** The plan that a release of this model follows; caution stretches its steps and asks for an approval. */
export function planOf(spec: ModelSpec, release: string, { slower, approval, requestsPerDay }: Circumstances): Plan {
  const { rollout, elsewhere } = spec.delivery
  const bakeMs = milliseconds(rollout.bake) * slower
  const badRate = rollout.bad_rate ?? 0.05
  const shadowMs = milliseconds(rollout.shadow)
  const days = (shadowMs + bakeMs * rollout.steps.length) / day
  const sample = Math.min(1, mostRequests / Math.max(1, requestsPerDay * days))
  return {
    shadowMs,
    steps: rollout.steps.at(-1) === 100 ? [...rollout.steps] : [...rollout.steps, 100],
    bakeMs,
    holdMs: milliseconds(rollout.hold ?? '7d'),
    checkMs: Math.min(6 * hour, Math.max(10 * second, bakeMs / 8)),
    badRate,
    alpha: 0.05,
    worseBy: 1.5,
    practical: badRate / 10,
    qualityMargin: spec.success.quality.margin,
    loss: spec.serves.output === 'binary' || spec.serves.output === 'regression' ? lossOf[spec.serves.output] : 'none',
    latencyRatio: rollout.latency_ratio ?? null,
    costRatio: rollout.cost_ratio ?? null,
    fewestShadow: 30,
    coldStart: 3,
    inconclusive: rollout.inconclusive ?? 'hold',
    approval,
    elsewhere: elsewhere !== undefined,
    sample: Number(sample.toPrecision(3)),
    salt: release,
  }
}

export type State = Static<typeof RolloutState>

/** Which states may follow which; `moveRollout` refuses everything else. A check that changes nothing stays in its state. */
export const next: Record<State, readonly State[]> = {
  shadow: ['shadow', 'step', 'holding', 'awaiting_approval', 'paused', 'promoted', 'rolled_back', 'superseded'],
  step: ['step', 'holding', 'awaiting_approval', 'paused', 'promoted', 'rolled_back', 'superseded'],
  holding: ['holding', 'shadow', 'step', 'awaiting_approval', 'paused', 'promoted', 'rolled_back', 'superseded'],
  awaiting_approval: [
    'awaiting_approval',
    'shadow',
    'step',
    'holding',
    'paused',
    'promoted',
    'rolled_back',
    'superseded',
  ],
  paused: ['shadow', 'step', 'promoted', 'rolled_back', 'superseded'],
  promoted: [],
  rolled_back: [],
  superseded: [],
}

export const openStates = (Object.keys(next) as State[]).filter((state) => next[state].length > 0)

export function isOpen(state: string): boolean {
  return openStates.some((open) => open === state)
}

/** Whether a rollout in the state `from` may be moved to `to`. */
export function mayFollow(from: string, to: State): boolean {
  return openStates.some((open) => open === from && next[open].includes(to))
}

export type Decision = { kind: 'wait' | 'hold' | 'await' | 'advance' | 'abort'; reason: string }

type Question = { step: number; elapsedMs: number; guards: readonly Guard[]; approved: boolean }

/** Harm aborts at once; a step ends when its time is over and its evidence is there; without evidence it holds, never passes. */
export function decide(plan: Plan, { step, elapsedMs, guards, approved }: Question): Decision {
  const harm = guards.find(({ guard, verdict }) => verdict === 'harm' && guard !== 'sample ratio')
  if (harm) return { kind: 'abort', reason: harm.reason }
  const duration = step < 0 ? plan.shadowMs : plan.bakeMs
  if (elapsedMs < duration) return { kind: 'wait', reason: 'The step has not lasted long enough.' }
  const ratio = guards.find(({ guard, verdict }) => guard === 'sample ratio' && verdict === 'harm')
  if (ratio) return { kind: 'hold', reason: ratio.reason }
  const needed = guards.filter(({ required }) => required)
  const missing = needed.find(({ verdict }) => verdict !== 'ok')
  const shipped = missing && shipsAnyway(plan, { step, elapsedMs, guards })
  if (missing && shipped === undefined) return { kind: 'hold', reason: missing.reason }
  if (plan.approval && !approved) {
    return { kind: 'await', reason: 'The evidence is there; a second person has to approve before it goes on.' }
  }
  return { kind: 'advance', reason: shipped ?? needed.map(({ reason }) => reason).join(' ') }
}

/** Only where the spec says `inconclusive: ship`, only after the longest hold, and never without traffic. */
function shipsAnyway(plan: Plan, { step, elapsedMs, guards }: Omit<Question, 'approved'>): string | undefined {
  const duration = step < 0 ? plan.shadowMs : plan.bakeMs
  const some = guards.some(({ required, n }) => required && n >= plan.fewestShadow)
  if (plan.inconclusive !== 'ship' || elapsedMs < duration + plan.holdMs || !some) return undefined
  return 'The longest hold is over, nothing speaks against it, and the spec says "inconclusive: ship".'
}
