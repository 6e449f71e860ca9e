export { goldenFacts } from './golden-facts.ts'
export { readTraffic } from './sample.ts'
