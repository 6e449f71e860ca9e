export {
  type Comparison,
  type ComparisonSettings,
  compare,
  type MetricOutcome,
  type Pairs,
  requireQualityMetric,
} from './compare.ts'
export { encode, type SideAnswers } from './encoding.ts'
export { hiddenItems } from './hidden-items.ts'
export { itemsNeeded, itemsNeededForShares, oneSided, smallestMeanMargin, smallestShareMargin } from './intervals.ts'
export { columnOf, findMetric, judgingOf, repeatsOf, type Task } from './tasks.ts'
export { type Metric, metricOf, partsOf } from './units.ts'
