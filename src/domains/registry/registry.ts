export { aliasHistory, deleteAlias, moveLiveAlias, setAlias } from './aliases.ts'
export {
  type AnswerMark,
  answerMarks,
  areClasses,
  countMarks,
  fewestClasses,
  isClass,
  type MarkCounts,
  markOfValue,
  marksField,
  markWords,
  type OutputKind,
} from './answer-marks.ts'
export {
  applySpec,
  currentSpec,
  currentSpecs,
  getSpec,
  modelsOfSpans,
  requireSpec,
  specDigest,
  specVersions,
  unchangedSince,
} from './applied-specs.ts'
export { importModel } from './import.ts'
export { inferFromPredictions, inferredWords } from './inferred-signature.ts'
export { readMlmodel } from './mlflow-model.ts'
export {
  createModel,
  deleteModel,
  getBaseline,
  getModel,
  listModels,
  renameModel,
  searchModels,
  setBaseline,
  tagModel,
  untagModel,
  updateModel,
} from './models.ts'
export { getPrompt, pushPrompt } from './prompts.ts'
export { type Field, type RowRules, readFields, refuseUnknown, rowRules, shownValue } from './rows.ts'
export { fillTemplate, variablesOf } from './rules.ts'
export { addPiece, type Choice, choiceOf, emptyChoice, readChoice, textOf } from './runtimes/chat-choice.ts'
export { type ChatText, readChatReply, statusesOfRequest } from './runtimes/chat-reply.ts'
export { openRuntime } from './runtimes/open.ts'
export { obstacleTo, startsProcess } from './runtimes/place.ts'
export { type OpenProvider, openProvider } from './runtimes/provider.ts'
export type { CallOptions, Chat, Runtime, RuntimeState } from './runtimes/runtime.ts'
export { boundName, tokenLimit, withSettings } from './runtimes/settings.ts'
export type { ModelCondition, VersionCondition } from './search-store.ts'
export {
  deleteVersion,
  downloadVersion,
  getVersion,
  lineage,
  listVersions,
  modelsOfRuns,
  moveStage,
  registerVersion,
  searchVersions,
  setTrainingSet,
  tagVersion,
  untagVersion,
  updateVersion,
} from './versions.ts'
