import type { Static } from 'typebox'
import type { delivery } from './contract.ts'
import type { Plan } from './plan.ts'
import type { RolloutState } from './shapes.ts'

export type Guard = Static<(typeof delivery)['getRollout']['output']>['guards'][number]

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

type StepEvidence = { step: number; elapsedMs: number; guards: readonly Guard[]; approved: boolean }

/** Harm aborts at once. A step ends when its time is over and its evidence is there; without evidence it holds. */
export function decide(plan: Plan, { step, elapsedMs, guards, approved }: StepEvidence): Decision {
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
function shipsAnyway(plan: Plan, { step, elapsedMs, guards }: Omit<StepEvidence, 'approved'>): string | undefined {
  const duration = step < 0 ? plan.shadowMs : plan.bakeMs
  const needed = guards.filter(({ required }) => required)
  const some = needed.length > 0 && needed.every(({ n }) => n >= plan.minimumShadow)
  if (plan.inconclusive !== 'ship' || elapsedMs < duration + plan.holdMs || !some) return undefined
  return 'The longest hold is over, nothing speaks against it, and the spec says "inconclusive: ship".'
}
