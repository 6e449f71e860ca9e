/**
 * Retries are paid from a budget that first attempts fill, so that an upstream in trouble is never asked much more often
 * than its callers ask (`share` of their requests, and a few to begin with).
 */
export type RetryBudget = { deposit(): void; withdraw(): boolean }

const share = 0.15
const most = 20

export function createRetryBudget(): RetryBudget {
  let tokens = 3
  return {
    deposit() {
      tokens = Math.min(most, tokens + share)
    },
    withdraw() {
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}
