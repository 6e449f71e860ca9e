import { type EProcess, expect, floorEvidence } from '../../../core/stats/e-process.ts'
import type { Plan } from '../plan.ts'
import type { Guard } from '../rules.ts'

/** What came an hour: `requests`, and `units` that this rollout had not seen before. */
export type TrafficRate = { requests: number; units: number; hours: number; at: string }

/** The evidence after so many more answers of which as many are bad as so far. */
export function floorAfter(more: number, { n, bad }: { n: number; bad: number }, floor: number): number {
  return floorEvidence({ requests: n + more, bad: bad + (more * bad) / Math.max(1, n), floor })
}

type Rate = Pick<TrafficRate, 'hours' | 'at'> & { perHour: number }

/** How many more it takes; of a plan that judges a sample, so many more of all. */
export function stillNeeded(
  enough: (more: number) => boolean,
  rate: Rate | undefined,
  plan: Plan,
): Pick<Guard, 'needs'> {
  if (!rate) return {}
  const { perHour, hours, at } = rate
  const more = leastEnough(enough)
  return { needs: { units: more === null ? null : Math.ceil(more / plan.sample), perHour, hours, at } }
}

export type ArmRate = { n: number; bad: number; rate: number }

type Compared = { canary: ArmRate; control: ArmRate; share: number }

/** The proof after so many more units of the canary, when both arms go on as they did. */
export function proofAfter(more: number, proof: EProcess, { canary, control, share }: Compared): EProcess {
  const smaller = Math.min(share, 1 - share)
  if (more === 0 || smaller <= 0) return proof
  const bad = { canary: more * canary.rate, control: ((more * smaller) / share) * control.rate }
  return expect(proof, { ...bad, share: share / (share + smaller) })
}

const most = 1e9

/**
 * The least whole number that is enough; null when none is. Evidence after more answers at the same rates is a sum of
 * exponentials, so it is convex: from below the limit it crosses it once.
 */
function leastEnough(enough: (more: number) => boolean): number | null {
  if (enough(0)) return 0
  if (!enough(most)) return null
  let [low, high] = [0, most]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (enough(middle)) high = middle
    else low = middle
  }
  return high
}
