export { applyFeatures } from './apply.ts'
export { getOnline, listEntities, listServices, listViews, requestFields, sourcesOf } from './catalogue.ts'
export { lookupAsOf } from './join-service.ts'
export { lookupOnline, startFollowing, stopFollowing, warmUp } from './online-state.ts'
export {
  createTrainingSet,
  downloadTrainingSet,
  getTrainingSet,
  labelMean,
  listTrainingSets,
  parity,
  trainingRows,
} from './training-sets.ts'
