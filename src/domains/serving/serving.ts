export { giveAllBack } from './budget/allowance.ts'
export { type Conversation, converse } from './chat/converse.ts'
export { marksHeader } from './chat/reply.ts'
export { getEndpoint, listEndpoints } from './endpoints.ts'
export { predictBatch, stopBatches } from './gateway/batch.ts'
export { type Counters, counters, firstTokenBounds } from './gateway/counters.ts'
export type { Target } from './gateway/gateway.ts'
export { predict } from './gateway/predict.ts'
export { predictRows, type Signature, signatureOf } from './gateway/rows.ts'
export { droppedShadows } from './gateway/shadow.ts'
export { shadow } from './gateway/shadow-report.ts'
export {
  importProblems,
  importRows,
  listImports,
  planAfterPredictions,
  planAfterRows,
  planAfterSpec,
  runImports,
} from './import/import.ts'
export { hasUncounted, markCounted, segmentsOf, uncounted } from './log/counted.ts'
export { logHealth } from './log/health.ts'
export { type LabelLook, labelledMinutes, planRest } from './log/late-labels.ts'
export type { LoggedPrediction } from './log/log-record.ts'
export type { Minute } from './log/minute.ts'
export { droppedRecords, flushLog, logState, startLog, stopLog } from './log/prediction-log.ts'
export { countLogged, readLog } from './log/reading.ts'
export { recordPredictions } from './log/record-external.ts'
export { mergeSegments } from './log/segments.ts'
export { type LoggedOutcome, readOutcomes, recordOutcomes } from './outcomes.ts'
export { getPrediction, label, listPredictions, replay } from './predictions.ts'
export {
  currentRouting,
  followRoutes,
  getRouting,
  isStarted,
  listRoutings,
  prepareRouting,
  prices,
  type Routing,
  refreshPrices,
  refreshSpecs,
  routes,
  setRouting,
  specs,
  startRoutes,
  stopRouting,
} from './routing/routing-table.ts'
export { armOf } from './rules.ts'
