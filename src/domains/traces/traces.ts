export {
  type Assessment,
  createAssessment,
  deleteAssessment,
  getAssessment,
  type NewAssessment,
  updateAssessment,
} from './assessment-records.ts'
export {
  addToExperiments,
  createExampleSet,
  deleteExampleSet,
  deleteExamples,
  type Example,
  type ExampleContent,
  type ExampleSet,
  getExampleSet,
  listExamples,
  removeFromExperiments,
  saveExamples,
  searchExampleSets,
  tagExampleSet,
} from './examples.ts'
export type { SetCondition } from './examples-store.ts'
export { count, get, list, remove, search } from './queries.ts'
export {
  deleteScorer,
  getScorer,
  listScorers,
  listScorerVersions,
  registerScorer,
  type Scorer,
} from './scorers.ts'
export type { Condition, TraceOrder, TraceQuery } from './search-store.ts'
export { type AnyValue, type Attribute, plain, plainAttributes, type Span, spanTypeKey } from './spans.ts'
export { traceMetrics } from './trace-metrics.ts'
export {
  deleteTraces,
  getSpans,
  getTraceInfo,
  getTraceInfos,
  linkTracesToRun,
  logSpans,
  recordTrace,
  type TraceRecord,
  tagTrace,
  untagTrace,
} from './trace-records.ts'
