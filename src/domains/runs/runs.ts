export {
  createExperiment,
  deleteExperiment,
  type ExperimentRecord,
  getExperiment,
  listExperiments,
  recordExperiment,
  renameExperiment,
  restoreExperiment,
  tagExperiment,
  untagExperiment,
} from './experiments.ts'
export { type Batch, log, logBatch, nameTag, type Point } from './logging.ts'
export { type MetricPoint, metricHistory, pointsByTime, samplePoints } from './metric-history.ts'
export {
  create,
  deleteRun,
  findRecords,
  finish,
  get,
  getRecord,
  type RunRecord,
  recordRun,
  restoreRun,
  search,
  untagRun,
  updateRun,
} from './run-records.ts'
export type { Condition, Order, RunQuery } from './search-store.ts'
