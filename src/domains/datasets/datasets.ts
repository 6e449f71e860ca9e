export { append, onAppend, type StoredRow } from './append.ts'
export { checkStoredRows } from './bad-rows.ts'
export { fetch, fetchProblems, fetchSource } from './fetch/fetch.ts'
export { loadSource, unreadableSources, withSource } from './readable.ts'
export { removedSince } from './removals-store.ts'
export { removeRows } from './remove-rows.ts'
export { type Definition, declaredColumns as declaredTypes } from './rules.ts'
export { getDataset, listDatasets, snapshot } from './snapshots.ts'
export {
  applySource,
  compactSource,
  declareKeys,
  describeSource,
  describeSources,
  getSource,
  listSources,
  onRemoval,
} from './sources.ts'
