export {
  type Comparison,
  type ComparisonSettings,
  compare,
  type MetricOutcome,
  type Pairs,
  requireQualityMetric,
  seed,
} from './compare.ts'
export { encode, type SideAnswers } from './encoding.ts'
export { type GoldenFacts, logisticAnswers, measureGolden } from './golden-measure.ts'
export { hiddenItems } from './hidden-items.ts'
export { itemsNeeded, itemsNeededForShares, oneSided, smallestMeanMargin, smallestShareMargin } from './intervals.ts'
export type { Representativeness } from './representative.ts'
export { columnOf, findMetric, judgingOf, repeatsOf, type Task } from './tasks.ts'
export { metricOf } from './units.ts'
