export {
  type Comparison,
  type ComparisonSettings,
  compare,
  type MetricOutcome,
  type Pairs,
  requireQualityMetric,
  seed,
} from './compare.ts'
export { classOf, encode, type SideAnswers, usableNumber } from './encoding.ts'
export { type GoldenFacts, logisticAnswers, measureGolden } from './golden-measure.ts'
export { hiddenItems } from './hidden-items.ts'
export {
  intervalOf,
  itemsNeeded,
  itemsNeededForShares,
  oneSided,
  smallestMeanMargin,
  smallestShareMargin,
} from './intervals.ts'
export type { Representativeness } from './representative.ts'
export { columnOf, findMetric, judgingOf, metricsFor, repeatsOf, type Task } from './tasks.ts'
export { type Grouping, type Metric, metricOf, partsOf } from './units.ts'
