export { goldenFacts } from './golden-facts.ts'
export { type GoldenFacts, logisticAnswers, measureGolden } from './golden-measure.ts'
export type { Representativeness } from './representative.ts'
export { readTraffic } from './sample.ts'
