export { checkStoredRows } from './bad-rows.ts'
export { loadSource, unreadableSources, withSource } from './readable.ts'
export { removeRows } from './remove-rows.ts'
export { declaredColumns as declaredTypes } from './rules.ts'
export { getDataset, listDatasets, snapshot } from './snapshots.ts'
export {
  append,
  applySource,
  compactSource,
  declareKeys,
  describeSource,
  describeSources,
  getSource,
  listSources,
  onAppend,
  onRemoval,
  type StoredRow,
} from './sources.ts'
