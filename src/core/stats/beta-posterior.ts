import { betaCdf, betaQuantile } from './distributions.ts'

const prior = { failed: 1, succeeded: 9 }

/**
 * A rate from few observations: the posterior under a Beta(1, 9) prior (one in ten fails). Mean, central 90 % interval
 * and the probability that the rate is above `target` (0 … 1).
 */
export function betaPosterior({ failed, total, target }: { failed: number; total: number; target: number }) {
  const a = prior.failed + failed
  const b = prior.succeeded + total - failed
  return {
    mean: a / (a + b),
    lower: betaQuantile(0.05, a, b),
    upper: betaQuantile(0.95, a, b),
    aboveTarget: 1 - betaCdf(target, a, b),
  }
}
