export { applyPipeline, checkPipeline, get, list } from './definitions.ts'
export {
  cancelRun,
  endLostRun,
  getRun,
  listRuns,
  logs,
  perform,
  start,
  startScheduled,
  trackingRuns,
  why,
} from './pipeline-runs.ts'
