export { applyFeatures } from './apply.ts'
export { lookupAsOf } from './as-of.ts'
export { getOnline, listEntities, listServices, listViews, requestFields, sourcesOf } from './catalogue.ts'
export { lookupOnline, startFollowing, stopFollowing, warmUp } from './online-store.ts'
export {
  createTrainingSet,
  downloadTrainingSet,
  getTrainingSet,
  labelMean,
  listTrainingSets,
  parity,
  trainingRows,
} from './training-sets.ts'
