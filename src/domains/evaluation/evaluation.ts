export { constantBaseline } from './answers/answers.ts'
export { evaluate, getEvaluation, listEvaluations } from './evaluate/evaluations.ts'
export { listItems, listOutputs } from './evaluate/listing.ts'
export { planGate, planMargin } from './gate/plan.ts'
export { rerunGate } from './gate/rerun.ts'
export { getGate, latestGate, listGates, runGate } from './gate/run-gate.ts'
export { addGoldenItems, applyGolden, getGolden, goldenDigest, listGolden, pushGolden } from './golden/golden-sets.ts'
export {
  type AnswerBasis,
  type Answered,
  type AnswersOfSpec,
  answersOf,
  basisOf,
  expectedLabel,
  kinds,
  type Label,
  readLabel,
} from './kinds/kinds.ts'
export { listMetrics } from './metrics.ts'
export { costOf, getPrices, setPrices } from './prices.ts'
export { getTraffic, recordTraffic } from './production/sample.ts'
export { compareRecords, type RecordComparison } from './records/records.ts'
