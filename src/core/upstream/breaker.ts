/** How a call went. `unreached`: nobody was there to take it; `unknown`: it says nothing, as after the caller gave up. */
export type Outcome = 'answered' | 'failed' | 'unreached' | 'unknown'
export type Settle = (outcome: Outcome) => void

/**
 * Whether one instance is worth asking. It is ejected after `consecutive` failures in a row, or when at least `share` of the
 * last `windowMilliseconds`' calls failed and there were at least `least` of them. After a pause that doubles with every
 * ejection (jittered, so that many gateways do not come back together) one call probes it: its success lets all back in.
 */
export type Breaker = {
  /** Nothing while it is ejected; else what the call has to be settled with, once. */
  admit(): Settle | undefined
  state(): 'closed' | 'open' | 'probing'
  /** Milliseconds until the next probe may start; 0 when one may. */
  waitsFor(): number
  ejections(): number
}

export type BreakerRules = {
  consecutive: number
  share: number
  least: number
  windowMilliseconds: number
  pauseMilliseconds: number
  longestPauseMilliseconds: number
}

const defaultRules: BreakerRules = {
  consecutive: 5,
  share: 0.5,
  least: 20,
  windowMilliseconds: 10_000,
  pauseMilliseconds: 1_000,
  longestPauseMilliseconds: 60_000,
}

type Tools = { elapsed(): number; random(): number }

export function createBreaker({ elapsed, random }: Tools, rules: BreakerRules = defaultRules): Breaker {
  let inARow = 0
  let ejections = 0
  /** Ejections since all was well: what the pause grows with. */
  let level = 0
  let openUntil: number | undefined
  let probing = false
  let window = { from: elapsed(), calls: 0, failures: 0 }

  function eject(): void {
    const pause = Math.min(rules.pauseMilliseconds * 2 ** level, rules.longestPauseMilliseconds)
    openUntil = elapsed() + pause * (0.5 + random() / 2)
    level += 1
    ejections += 1
  }

  function close(): void {
    openUntil = undefined
    inARow = 0
    level = 0
    window = { from: elapsed(), calls: 0, failures: 0 }
  }

  function count(outcome: Outcome): void {
    if (elapsed() - window.from > rules.windowMilliseconds) window = { from: elapsed(), calls: 0, failures: 0 }
    window.calls += 1
    if (outcome !== 'answered') window.failures += 1
    // Where nobody listens, less evidence is needed than where somebody answers badly.
    inARow = outcome === 'answered' ? 0 : inARow + (outcome === 'unreached' ? rules.consecutive / 2 : 1)
    const often = window.calls >= rules.least && window.failures >= rules.share * window.calls
    if (inARow >= rules.consecutive || often) eject()
  }

  const settleProbe: Settle = (outcome) => {
    probing = false
    if (outcome === 'answered') close()
    else if (outcome !== 'unknown') eject()
  }

  // What started before an ejection says nothing about the instance as it is after it.
  const settleCall: Settle = (outcome) => {
    if (outcome !== 'unknown' && openUntil === undefined) count(outcome)
  }

  return {
    admit() {
      if (openUntil === undefined) return settleCall
      if (probing || elapsed() < openUntil) return undefined
      probing = true
      return settleProbe
    },
    state() {
      if (openUntil === undefined) return 'closed'
      return probing || elapsed() >= openUntil ? 'probing' : 'open'
    },
    waitsFor: () => Math.max(0, (openUntil ?? 0) - elapsed()),
    ejections: () => ejections,
  }
}
