import { type EProcess, evidence, evidenceNeeded, harmProcess, observe } from '../../src/core/stats/e-process.ts'

/** What one look sees that was not seen before: requests and bad answers of both arms, in order where order matters. */
type Look = { canary: number; canaryBad: number; control: number; controlBad: number; events: Event[] }
type Event = { canary: boolean; share: number; request: number }

export type World = {
  requests: number
  lookEvery: number
  /** Canary share at a request. */
  share: (request: number) => number
  /** Bad rate of the control at a request. */
  base: (request: number) => number
  /** The canary's bad rate is the control's times this. */
  ratio: number
}

/** A life of a canary, look by look. */
export function live({ requests, lookEvery, share, base, ratio }: World, random: () => number): Look[] {
  const looks: Look[] = []
  let look: Look = { canary: 0, canaryBad: 0, control: 0, controlBad: 0, events: [] }
  for (let request = 1; request <= requests; request++) {
    const w = share(request)
    const canary = random() < w
    const bad = random() < Math.min(1, base(request) * (canary ? ratio : 1))
    if (canary) look.canary += 1
    else look.control += 1
    if (bad) {
      if (canary) look.canaryBad += 1
      else look.controlBad += 1
      look.events.push({ canary, share: w, request })
    }
    if (request % lookEvery === 0) {
      looks.push(look)
      look = { canary: 0, canaryBad: 0, control: 0, controlBad: 0, events: [] }
    }
  }
  return looks
}

/** Says at which request it rolls back, if ever. */
export type Rule = (looks: Look[], world: World) => number | undefined

/** Ours: looked at after every single bad event. */
export const eProcess: Rule = (looks) => {
  let process: EProcess = harmProcess(1)
  for (const event of looks.flatMap(({ events }) => events)) {
    process = observe(process, event)
    if (evidence(process) >= evidenceNeeded(1)) return event.request
  }
  return undefined
}

/** One-sided two-proportion z test at 5 %, repeated at each look as if it were the only one. */
export const naiveZ: Rule = (looks, { lookEvery }) => {
  const sum = { canary: 0, canaryBad: 0, control: 0, controlBad: 0 }
  for (const [index, look] of looks.entries()) {
    sum.canary += look.canary
    sum.canaryBad += look.canaryBad
    sum.control += look.control
    sum.controlBad += look.controlBad
    const pooled = (sum.canaryBad + sum.controlBad) / (sum.canary + sum.control)
    const error = Math.sqrt(pooled * (1 - pooled) * (1 / sum.canary + 1 / sum.control))
    const z = (sum.canaryBad / sum.canary - sum.controlBad / sum.control) / error
    if (z > 1.6449) return (index + 1) * lookEvery
  }
  return undefined
}

const tooManyBad = ({ canary, canaryBad }: Look) => canary > 0 && canaryBad / canary > 0.02

/** Flagger's: failed checks add up and are never forgiven; the fifth rolls back. */
export const flagger: Rule = (looks, { lookEvery }) => failing(looks, lookEvery, 5)

/** Argo's `failureLimit: 3`: more than three failed measurements. */
export const argo: Rule = (looks, { lookEvery }) => failing(looks, lookEvery, 4)

function failing(looks: Look[], lookEvery: number, limit: number): number | undefined {
  let failed = 0
  for (const [index, look] of looks.entries()) {
    if (tooManyBad(look)) failed += 1
    if (failed >= limit) return (index + 1) * lookEvery
  }
  return undefined
}
