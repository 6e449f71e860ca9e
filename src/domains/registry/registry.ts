export { aliasHistory, deleteAlias, moveLiveAlias, setAlias } from './aliases.ts'
export {
  applySpec,
  currentSpec,
  getSpec,
  requireSpec,
  specDigest,
  specVersions,
  unchangedSince,
} from './applied-specs.ts'
export { importModel } from './import.ts'
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
export { readChatReply } from './runtimes/chat-reply.ts'
export { tokenLimit, withSettings } from './runtimes/messages.ts'
export { openRuntime } from './runtimes/open.ts'
export { type OpenProvider, openProvider } from './runtimes/provider.ts'
export type { CallOptions, Chat, Runtime, RuntimeState } from './runtimes/runtime.ts'
export type { ModelCondition, VersionCondition } from './search-store.ts'
export {
  deleteVersion,
  downloadVersion,
  getVersion,
  lineage,
  listVersions,
  moveStage,
  registerVersion,
  searchVersions,
  setTrainingSet,
  tagVersion,
  untagVersion,
  updateVersion,
} from './versions.ts'
