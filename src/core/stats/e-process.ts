import { elementAt } from './element-at.ts'

/**
 * The conditional e-process for bad events: under random assignment with canary share w, a bad event belongs to the
 * canary with probability at most w rho0 / (w rho0 + 1 - w) when the ratio of bad rates is at most rho0, whatever the
 * base rate does over time. The evidence may be looked at after every event: by Ville's inequality it ever exceeds
 * 1/alpha with probability at most alpha. Source: Lindon, Sanden, Shirikian, KDD 2022 (arXiv 2205.14762).
 */
export type EProcess = {
  /** The ratio of bad rates (canary over control) of the null hypothesis. */
  rho0: number
  /** Alternatives: above rho0 to show harm, below it to show "not worse". */
  grid: number[]
  logs: number[]
  events: number
}

const gridSize = 24

function logGrid(from: number, to: number): number[] {
  const step = Math.log(to / from) / (gridSize - 1)
  return Array.from({ length: gridSize }, (_, index) => Math.exp(Math.log(from) + index * step))
}

/** Evidence that the canary has more than rho0 times the bad rate of the control. */
export function harmProcess(rho0 = 1): EProcess {
  const grid = logGrid(1.25 * rho0, 20 * rho0)
  return { rho0, grid, logs: grid.map(() => 0), events: 0 }
}

/** Evidence that the canary has less than rho1 times the bad rate of the control (rho1 > 1: "not worse than that"). */
export function notWorseProcess(rho1 = 1.5): EProcess {
  const grid = logGrid(0.05 * rho1, 0.9 * rho1)
  return { rho0: rho1, grid, logs: grid.map(() => 0), events: 0 }
}

/**
 * One bad event. `share` in [0, 1] is the canary's share of the traffic at that moment; with 0 or 1 there is nothing to
 * compare, and the event says nothing. Throws a RangeError for any other share.
 */
export function observe(process: EProcess, { canary, share }: { canary: boolean; share: number }): EProcess {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`A share of the traffic is between 0 and 1, not ${share}`)
  if (share === 0 || share === 1) return process
  const chance = (rho: number) => (share * rho) / (share * rho + 1 - share)
  const null0 = chance(process.rho0)
  const logs = process.logs.map((log, index) => {
    const theta = chance(elementAt(process.grid, index))
    return log + (canary ? Math.log(theta / null0) : Math.log((1 - theta) / (1 - null0)))
  })
  return { ...process, logs, events: process.events + 1 }
}

/** The process after so many more bad events of either arm, which need not be whole numbers: what is to be expected. */
export function expect(
  process: EProcess,
  { canary, control, share }: { canary: number; control: number; share: number },
): EProcess {
  const byCanary = observe(process, { canary: true, share })
  const byControl = observe(process, { canary: false, share })
  const logs = process.logs.map(
    (log, index) =>
      log + canary * (elementAt(byCanary.logs, index) - log) + control * (elementAt(byControl.logs, index) - log),
  )
  return { ...process, logs, events: process.events + canary + control }
}

/** The e-value: the mean of the likelihood ratios over the grid; at most the largest double, so that JSON can keep it. */
export function evidence({ logs }: Pick<EProcess, 'logs'>): number {
  const largest = Math.max(...logs)
  const scaled = logs.reduce((total, log) => total + Math.exp(log - largest), 0) / logs.length
  return Math.min(Number.MAX_VALUE, Math.exp(largest) * scaled)
}

/** The evidence at which one of `guardrails` tested at once may act, so that all of them together err with at most `alpha`. */
export function evidenceNeeded(guardrails: number, alpha = 0.05): number {
  return guardrails / alpha
}

type Counts = { requests: number; bad: number; floor: number }

/**
 * Evidence that a rate of bad answers is below `floor` (0 < floor < 1), from counts alone: a mixture of likelihood
 * ratios over rates below the floor. No bad answer in enough requests is evidence too. Valid at every look.
 * Throws a RangeError when the counts or the floor are impossible.
 */
export function floorEvidence({ requests, bad, floor }: Counts): number {
  if (!(floor > 0 && floor < 1)) throw new RangeError(`A floor is a rate between 0 and 1, not ${floor}`)
  if (!(bad >= 0 && bad <= requests)) throw new RangeError(`${bad} of ${requests} requests cannot be bad`)
  const grid = logGrid(0.01 * floor, 0.9 * floor)
  const logs = grid.map(
    (rate) => bad * Math.log(rate / floor) + (requests - bad) * (Math.log1p(-rate) - Math.log1p(-floor)),
  )
  return evidence({ logs })
}
