export { deleteAlias, moveLiveAlias, setAlias } from './aliases.ts'
export {
  createModel,
  deleteModel,
  getBaseline,
  getModel,
  listModels,
  renameModel,
  setBaseline,
  tagModel,
  untagModel,
  updateModel,
} from './models.ts'
export { openRuntime, type Runtime } from './runtime.ts'
export { applySpec, requireSpec } from './specs.ts'
export {
  deleteVersion,
  downloadVersion,
  getVersion,
  lineage,
  listVersions,
  registerVersion,
  tagVersion,
  untagVersion,
  updateVersion,
} from './versions.ts'
