/** "npm run test:statistics" runs simulations in full; "npm test" a tenth, with bounds that fit so few. */
export const inFull = process.env['TEST_STATISTICS'] === 'full'

export function trials(full: number): number {
  return inFull ? full : full / 10
}

/** Three standard errors of a rate over so many trials. */
export function noiseOf(rate: number, trials: number): number {
  return 3 * Math.sqrt((rate * (1 - rate)) / trials)
}
