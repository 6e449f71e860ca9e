export { applyPipeline, checkPipeline, get, list } from './definitions.ts'
export { cancelRun, getRun, listRuns, logs, perform, start, startScheduled, why } from './pipeline-runs.ts'
