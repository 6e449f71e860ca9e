export {
  createExperiment,
  deleteExperiment,
  type ExperimentRecord,
  experimentNumber,
  getExperiment,
  listExperiments,
  recordExperiment,
  renameExperiment,
  restoreExperiment,
  tagExperiment,
  untagExperiment,
} from './experiments.ts'
export { searchExperiments } from './experiments-search-store.ts'
export {
  countRuns,
  importExperiment,
  importLoggedModels,
  importMarks,
  importRuns,
  markImported,
} from './import.ts'
export type { InputDataset } from './input-dataset.ts'
export { datasetsOf, inputsOf, logInputs, logOutputs, type RunInputs, type RunOutputs } from './inputs.ts'
export {
  addLoggedModelParams,
  deleteLoggedModel,
  finishLoggedModel,
  getLoggedModel,
  type LoggedModel,
  recordLoggedModel,
  searchLoggedModels,
  tagLoggedModel,
  untagLoggedModel,
} from './logged-models.ts'
export type { ModelCondition, ModelOrder, ModelQuery } from './logged-models-store.ts'
export { type Batch, log, logBatch, nameTag, type Point } from './logging.ts'
export { type MetricPoint, metricHistory, pointsByTime, samplePoints } from './metric-history.ts'
export { flushJournal, startJournal, stopJournal } from './metric-journal.ts'
export { purge } from './purge.ts'
export {
  create,
  deleteRun,
  find,
  findRecords,
  finish,
  get,
  getRecord,
  getRunInfo,
  type RunInfo,
  type RunRecord,
  recordRun,
  restoreRun,
  search,
  untagRun,
  updateRun,
} from './run-records.ts'
export type { Condition, Order, RunQuery, TextAttribute } from './search-store.ts'
