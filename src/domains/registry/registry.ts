export { aliasHistory, deleteAlias, moveLiveAlias, setAlias } from './aliases.ts'
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
export { type Asking, openRuntime, type Runtime, type RuntimeState } from './runtime.ts'
export type { ModelCondition, VersionCondition } from './search-store.ts'
export { applySpec, getSpec, requireSpec } from './specs.ts'
export {
  deleteVersion,
  downloadVersion,
  getVersion,
  lineage,
  listVersions,
  moveStage,
  registerVersion,
  searchVersions,
  tagVersion,
  untagVersion,
  updateVersion,
} from './versions.ts'
