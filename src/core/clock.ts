import { performance } from 'node:perf_hooks'

/**
 * Two kinds of time. `now` is the business time every record carries; in a replay it is simulated.
 * `wall` (epoch milliseconds) and `elapsed` (monotonic milliseconds) are always real: leases and measured durations use them.
 */
export type Clock = {
  readonly simulated: boolean
  now(): Date
  wall(): number
  elapsed(): number
  /** Moves a simulated clock forward; a real one refuses. */
  set(to: Date): void
}

export const realClock: Clock = {
  simulated: false,
  now: () => new Date(),
  wall: () => Date.now(),
  elapsed: () => performance.now(),
  set() {
    throw new Error('A real clock cannot be set')
  },
}

export function simulatedClock(start: Date): Clock {
  let current = start.getTime()
  return {
    simulated: true,
    now: () => new Date(current),
    wall: () => Date.now(),
    elapsed: () => performance.now(),
    set(to) {
      current = Math.max(current, to.getTime())
    },
  }
}
