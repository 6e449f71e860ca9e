export { applyFeatures } from './apply.ts'
export {
  getOnline,
  listEntities,
  listServices,
  listViews,
  missingUnder,
  requestFields,
  sourcesOf,
} from './catalogue.ts'
export { importTrainingSet } from './import-training-set.ts'
export { lookupAsOf } from './join-service.ts'
export { lookupOnline, onlineFeatures, warmUp } from './online-state.ts'
export { parity } from './parity.ts'
export { downloadTrainingSet, trainingRows } from './training-set-files.ts'
export { createTrainingSet, getTrainingSet, labelMean, listTrainingSets } from './training-sets.ts'
