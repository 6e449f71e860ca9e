import type { Static } from 'typebox'
import { oneSidedHalfWidth } from '../../core/stats/confidence-sequence.ts'
import { evidence, floorEvidence, harmProcess, notWorseProcess, observe } from '../../core/stats/e-process.ts'
import { logLossOf } from '../../core/stats/metrics.ts'
import { sampleRatio } from '../../core/stats/sample-ratio.ts'
import { mean, variance } from '../../core/stats/summary.ts'
import type { ModelSpec } from '../registry/spec.ts'
import type { delivery, RolloutState } from './contract.ts'

type Guard = Static<(typeof delivery)['getRollout']['output']>['guards'][number]

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
  /** Loss per prediction that the canary may be worse by. */
  qualityMargin: number
  fewestShadow: number
  salt: string
}

const unitMilliseconds = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export function milliseconds(duration: string): number {
  return Number(duration.slice(0, -1)) * unitMilliseconds[duration.at(-1) as keyof typeof unitMilliseconds]
}

/** A careful plan doubles the time on each step. */
export function planOf(spec: ModelSpec, release: string, careful: boolean): Plan {
  const { rollout } = spec.delivery
  const bakeMs = milliseconds(rollout.bake) * (careful ? 2 : 1)
  const last = rollout.steps.at(-1)
  return {
    shadowMs: milliseconds(rollout.shadow),
    steps: last === 100 ? [...rollout.steps] : [...rollout.steps, 100],
    bakeMs,
    holdMs: milliseconds(rollout.hold ?? '7d'),
    checkMs: Math.min(6 * unitMilliseconds.h, Math.max(10 * unitMilliseconds.s, bakeMs / 8)),
    badRate: rollout.bad_rate ?? 0.05,
    alpha: 0.05,
    worseBy: 1.5,
    qualityMargin: spec.success.quality.margin,
    fewestShadow: 30,
    salt: release,
  }
}

type State = Static<typeof RolloutState>

/** Which states may follow which: everything else is refused. */
export const next: Record<State, readonly State[]> = {
  shadow: ['step', 'holding', 'paused', 'promoted', 'rolled_back', 'superseded'],
  step: ['step', 'holding', 'paused', 'promoted', 'rolled_back', 'superseded'],
  holding: ['step', 'paused', 'promoted', 'rolled_back', 'superseded', 'shadow', 'holding'],
  paused: ['step', 'shadow', 'holding', 'promoted', 'rolled_back', 'superseded'],
  promoted: [],
  rolled_back: [],
  superseded: [],
}

export function isOpen(state: string): boolean {
  return state in next && next[state as State].length > 0
}

export type Seen = {
  at: string
  arm: 'live' | 'canary' | 'shadow'
  bad: string | null
  output: unknown
  label: number | null
}

/** Where the rollout stands: the current step (-1 is shadow) and the share the canary had at any time. */
export type Standing = { step: number; stepStartedAt: string; shares: { at: string; share: number }[] }

const guardCount = 2

/** Everything the guards can say, from what both arms answered since the rollout began. */
export function judge(plan: Plan, standing: Standing, seen: readonly Seen[]): Guard[] {
  return standing.step < 0
    ? [judgeShadow(plan, seen)]
    : [judgeRatio(standing, seen), ...judgeBad(plan, standing, seen), judgeQuality(plan, seen)]
}

function judgeShadow(plan: Plan, seen: readonly Seen[]): Guard {
  const shadow = seen.filter(({ arm }) => arm === 'shadow')
  const bad = shadow.filter((one) => one.bad !== null).length
  const value = floorEvidence({ requests: shadow.length, bad, floor: plan.badRate })
  const proven = shadow.length >= plan.fewestShadow && value >= 1 / plan.alpha
  return {
    guard: 'shadow answers',
    verdict: proven ? 'ok' : 'waiting',
    value,
    limit: 1 / plan.alpha,
    n: shadow.length,
    reason: proven
      ? `${bad} of ${shadow.length} shadow answers were bad: proven below ${plan.badRate}.`
      : `${bad} of ${shadow.length} shadow answers were bad: not yet proven below ${plan.badRate}.`,
  }
}

function judgeRatio({ stepStartedAt, shares }: Standing, seen: readonly Seen[]): Guard {
  const current = seen.filter(({ at, arm }) => at >= stepStartedAt && arm !== 'shadow')
  const canary = current.filter(({ arm }) => arm === 'canary').length
  const share = shares.at(-1)?.share ?? 0
  const { p, healthy, tested } = sampleRatio([canary, current.length - canary], [share, 1 - share])
  return {
    guard: 'sample ratio',
    verdict: healthy ? (tested ? 'ok' : 'waiting') : 'harm',
    value: tested ? p : null,
    limit: 0.001,
    n: current.length,
    reason: healthy
      ? `${canary} of ${current.length} requests went to the canary, ${(share * 100).toFixed(0)} % were meant to.`
      : `${canary} of ${current.length} requests went to the canary instead of ${(share * 100).toFixed(0)} %: the arms cannot be compared.`,
  }
}

function judgeBad(plan: Plan, { shares }: Standing, seen: readonly Seen[]): Guard[] {
  let harm = harmProcess(1)
  let proof = notWorseProcess(plan.worseBy)
  const both = seen.filter(({ arm }) => arm !== 'shadow')
  for (const one of both) {
    if (one.bad === null) continue
    const share = shareAt(shares, one.at)
    if (share <= 0 || share >= 1) continue
    harm = observe(harm, { canary: one.arm === 'canary', share })
    proof = observe(proof, { canary: one.arm === 'canary', share })
  }
  const canary = both.filter(({ arm }) => arm === 'canary')
  const bad = canary.filter((one) => one.bad !== null).length
  const controlBad = both.filter((one) => one.arm === 'live' && one.bad !== null).length
  const harmValue = evidence(harm)
  const harmLimit = guardCount / plan.alpha
  const worse = bad / Math.max(1, canary.length) > controlBad / Math.max(1, both.length - canary.length)
  // The mean of two e-values is an e-value: either proof will do, and alpha is spent once.
  const provenValue = (evidence(proof) + floorEvidence({ requests: canary.length, bad, floor: plan.badRate })) / 2
  const counts = `${bad} bad of ${canary.length} by the canary, ${controlBad} of ${both.length - canary.length} by the live release`
  return [
    {
      guard: 'bad answers: harm',
      verdict: harmValue >= harmLimit && worse ? 'harm' : 'ok',
      value: harmValue,
      limit: harmLimit,
      n: canary.length,
      reason: `${counts}: evidence of harm ${harmValue.toFixed(2)}, abort at ${harmLimit}.`,
    },
    {
      guard: 'bad answers: proven acceptable',
      verdict: provenValue >= 1 / plan.alpha ? 'ok' : 'waiting',
      value: provenValue,
      limit: 1 / plan.alpha,
      n: canary.length,
      reason: `${counts}: evidence for "not worse than ${plan.worseBy} times" or "below ${plan.badRate}" ${provenValue.toFixed(2)}, needed ${1 / plan.alpha}.`,
    },
  ]
}

function shareAt(shares: Standing['shares'], at: string): number {
  return shares.findLast((entry) => entry.at <= at)?.share ?? 0
}

const fewestLabels = 30

/** Are the canary's answers further from the truth? Only labels can say; without enough of them nothing is said. */
function judgeQuality(plan: Plan, seen: readonly Seen[]): Guard {
  const lossesOf = (arm: Seen['arm']) =>
    seen.flatMap((one) =>
      one.arm === arm && one.label !== null && typeof one.output === 'number' ? [logLossOf(one.label, one.output)] : [],
    )
  const [canary, control] = [lossesOf('canary'), lossesOf('live')]
  const n = canary.length + control.length
  if (canary.length < fewestLabels || control.length < fewestLabels) {
    return {
      guard: 'quality',
      verdict: 'waiting',
      value: null,
      limit: plan.qualityMargin,
      n,
      reason: `Only ${canary.length} and ${control.length} labels so far.`,
    }
  }
  const difference = mean(canary) - mean(control)
  const standardError = Math.sqrt(variance(canary) / canary.length + variance(control) / control.length)
  const half = oneSidedHalfWidth({ n, standardError, alpha: plan.alpha / guardCount })
  const harm = difference - half > plan.qualityMargin
  return {
    guard: 'quality',
    verdict: harm ? 'harm' : 'ok',
    value: difference,
    limit: plan.qualityMargin,
    n,
    reason: `Log loss of the canary minus the live release: ${difference.toFixed(4)}, surely at least ${(difference - half).toFixed(4)}.`,
  }
}

export type Decision =
  | { kind: 'wait'; reason: string }
  | { kind: 'hold'; reason: string }
  | { kind: 'advance'; reason: string }
  | { kind: 'abort'; reason: string }

/** Harm aborts at once; a step ends when its time is over and its evidence is there; without evidence it holds, never passes. */
export function decide(
  plan: Plan,
  { step, elapsedMs, guards }: { step: number; elapsedMs: number; guards: readonly Guard[] },
): Decision {
  const harm = guards.find(({ guard, verdict }) => verdict === 'harm' && guard !== 'sample ratio')
  if (harm) return { kind: 'abort', reason: harm.reason }
  const duration = step < 0 ? plan.shadowMs : plan.bakeMs
  if (elapsedMs < duration) return { kind: 'wait', reason: 'The step has not lasted long enough.' }
  const needed = guards.filter(({ guard }) => guard !== 'quality' && guard !== 'bad answers: harm')
  const missing = needed.find(({ guard, verdict }) =>
    guard === 'sample ratio' ? verdict === 'harm' : verdict !== 'ok',
  )
  if (missing) return { kind: 'hold', reason: missing.reason }
  return { kind: 'advance', reason: needed.map(({ reason }) => reason).join(' ') }
}
