import { evidence, evidenceNeeded, harmProcess, notWorseProcess, observe } from '../../../core/stats/e-process.ts'
import { sampleRatio } from '../../../core/stats/sample-ratio.ts'
import { armOf } from '../../serving/serving.ts'
import type { Plan } from '../plan.ts'
import type { Guard } from '../rules.ts'
import { judgeMean, meansOf, type Reports } from './means.ts'
import type { Arms, Observation, Progress, Unit } from './observed.ts'
import { type ArmRate, floorAfter, proofAfter, stillNeeded } from './still-needed.ts'

export type { Observation, Progress }

/** Everything the guards can say, from what both arms answered since the rollout began. Rows come oldest first. */
export function judge(plan: Plan, standing: Progress, seen: readonly Observation[], reports: Reports = {}): Guard[] {
  if (standing.step < 0) return [judgeShadow(plan, standing, seen)]
  const units = [...unitsOf(plan, standing, seen).values()]
  const of = (arm: Unit['arm']) => units.filter((unit) => unit.arm === arm)
  const arms = { canary: of('canary'), control: of('control'), other: of('other') }
  const questions = meansOf(plan, reports)
  // The guards that may abort share alpha.
  const guards = 1 + questions.length
  const means = questions.map((question) => judgeMean(plan, question, arms, guards))
  return [judgeRatio(plan, standing, seen), ...judgeBad(plan, standing, arms, guards), ...means]
}

function unitsOf(plan: Plan, { shares }: Progress, seen: readonly Observation[]): Map<string, Unit> {
  const units = new Map<string, Unit>()
  const warmAt = seen.filter(({ arm }) => arm === 'canary')[plan.coldStart]?.at
  for (const row of seen) {
    if (row.arm === 'shadow' || warmAt === undefined || row.at < warmAt) continue
    const share = shareAt(shares, row.at)
    if (share <= 0 || share >= 1) continue
    const assigned = armOf(row.unit, { share, salt: plan.salt })
    // The fallback answer for a canary that failed is logged as live: it says nothing about ordinary traffic.
    if (row.arm === 'live' && assigned === 'canary') continue
    const arm = row.arm === 'canary' ? 'canary' : assigned
    const known = units.get(row.unit)
    const fresh = known === undefined || (known.arm === 'other' && arm !== 'other')
    const unit: Unit = fresh ? { arm, badAt: undefined, rows: [] } : known
    if (fresh) units.set(row.unit, unit)
    if (unit.arm !== arm) continue
    if (row.bad !== null) unit.badAt ??= row.at
    unit.rows.push(row)
  }
  return units
}

function judgeShadow(plan: Plan, { traffic }: Progress, seen: readonly Observation[]): Guard {
  const shadow = seen.filter(({ arm }) => arm === 'shadow')
  const bad = shadow.filter((one) => one.bad !== null).length
  const kinds = wordsOf(shadow.filter((one) => one.bad !== null))
  const limit = evidenceNeeded(1, plan.alpha)
  const evidenceAfter = (more: number) => floorAfter(more, { n: shadow.length, bad }, plan.badRate)
  const enough = (more: number) => shadow.length + more >= plan.minimumShadow && evidenceAfter(more) >= limit
  const value = evidenceAfter(0)
  const proven = enough(0)
  return {
    guard: 'shadow answers',
    verdict: proven ? 'ok' : 'waiting',
    required: true,
    value,
    limit,
    n: shadow.length,
    ...stillNeeded(enough, traffic && { ...traffic, perHour: traffic.requests }, plan),
    reason: proven
      ? `${bad} of ${shadow.length} shadow answers were bad${kinds}: proven below ${plan.badRate}.`
      : `${bad} of ${shadow.length} shadow answers were bad${kinds}: not yet proven below ${plan.badRate}.`,
  }
}

function judgeRatio(plan: Plan, { stepStartedAt, shares }: Progress, seen: readonly Observation[]): Guard {
  const share = shares.at(-1)?.share ?? 0
  const arms = new Map<string, Unit['arm']>()
  for (const { at, unit, arm } of seen) {
    if (at < stepStartedAt || arm === 'shadow') continue
    const assigned = armOf(unit, { share, salt: plan.salt })
    if (arm === 'canary') arms.set(unit, 'canary')
    else if (assigned !== 'canary') arms.set(unit, assigned)
  }
  const count = (wanted: Unit['arm']) => [...arms.values()].filter((arm) => arm === wanted).length
  const counts = [count('canary'), count('control'), count('other')]
  const [canary = 0] = counts
  const total = arms.size
  const control = Math.min(share, 1 - share)
  const cells = [share, control, 1 - share - control].map((expected, index) => ({
    expected,
    count: counts[index] ?? 0,
  }))
  const filled = cells.filter(({ expected }) => expected > 1e-9)
  const { p, healthy, tested } = sampleRatio(
    filled.map(({ count }) => count),
    filled.map(({ expected }) => expected),
  )
  const meant = `${(share * 100).toFixed(0)} %`
  return {
    guard: 'sample ratio',
    verdict: healthy ? (tested ? 'ok' : 'waiting') : 'harm',
    required: false,
    value: tested ? p : null,
    limit: 0.001,
    n: total,
    reason: healthy
      ? `${canary} of ${total} units went to the canary, ${meant} were meant to.`
      : `${canary} of ${total} units went to the canary instead of ${meant}: the arms cannot be compared.`,
  }
}

function judgeBad(plan: Plan, { shares, traffic }: Progress, arms: Arms, guards: number): Guard[] {
  let harm = harmProcess(1)
  let proof = notWorseProcess(plan.nonInferiorityRatio)
  const bad = [...arms.canary, ...arms.control].filter(({ badAt }) => badAt !== undefined)
  bad.sort((a, b) => ((a.badAt ?? '') < (b.badAt ?? '') ? -1 : 1))
  for (const unit of bad) {
    const share = shareAt(shares, unit.badAt ?? '')
    const event = { canary: unit.arm === 'canary', share: share / (share + Math.min(share, 1 - share)) }
    harm = observe(harm, event)
    proof = observe(proof, event)
  }
  const [canary, control] = [rateOf(arms.canary), rateOf(arms.control)]
  const harmValue = evidence(harm)
  const harmLimit = evidenceNeeded(guards, plan.alpha)
  const provenLimit = evidenceNeeded(1, plan.alpha)
  const matters = canary.rate - control.rate >= plan.minimumEffect
  const share = shares.at(-1)?.share ?? 0
  // The mean of two e-values is an e-value: either proof will do, and alpha is spent once.
  const evidenceAfter = (more: number) =>
    (evidence(proofAfter(more, proof, { canary, control, share })) + floorAfter(more, canary, plan.badRate)) / 2
  const provenValue = evidenceAfter(0)
  const counts = `${canary.bad} of ${canary.n} units had bad answers from the canary${kindsOf(arms.canary)}, ${control.bad} of ${control.n} from the control`
  return [
    {
      guard: 'bad answers: harm',
      verdict: harmValue >= harmLimit && matters ? 'harm' : 'ok',
      required: false,
      value: harmValue,
      limit: harmLimit,
      n: canary.n,
      reason: `${counts}: evidence of harm ${harmValue.toFixed(2)}, abort at ${harmLimit}.`,
    },
    {
      guard: 'bad answers: proven acceptable',
      verdict: provenValue >= provenLimit ? 'ok' : 'waiting',
      required: true,
      value: provenValue,
      limit: provenLimit,
      n: canary.n,
      ...stillNeeded(
        (more) => evidenceAfter(more) >= provenLimit,
        traffic && { ...traffic, perHour: traffic.units * share },
        plan,
      ),
      reason: `${counts}: evidence for "not worse than ${plan.nonInferiorityRatio} times" or "below ${plan.badRate}" ${provenValue.toFixed(2)}, needed ${provenLimit}.`,
    },
  ]
}

function rateOf(units: Unit[]): ArmRate {
  const bad = units.filter(({ badAt }) => badAt !== undefined).length
  return { n: units.length, bad, rate: bad / Math.max(1, units.length) }
}

function kindsOf(units: Unit[]): string {
  return wordsOf(units.flatMap(({ rows }) => rows.find(({ bad }) => bad !== null) ?? []))
}

/** ` (3 error, 1 cut_off)`: what bad answers were. */
function wordsOf(answers: readonly Observation[]): string {
  const kinds = new Map<string, number>()
  for (const kind of answers.map(kindOf)) if (kind !== null) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  return kinds.size === 0 ? '' : ` (${[...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ')})`
}

/** An answer that is no answer says by its mark why. */
function kindOf({ bad, marks }: Observation): string | null {
  return bad === 'invalid' ? (marks.find((mark) => mark !== 'stand_in') ?? bad) : bad
}

function shareAt(shares: Progress['shares'], at: string): number {
  return shares.findLast((entry) => entry.at <= at)?.share ?? 0
}
