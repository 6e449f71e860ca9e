export { loadSource, withSource } from './relation.ts'
export { getDataset, listDatasets, snapshot } from './snapshots.ts'
export { append, applySource, compactSource, getSource, listSources, onAppend, type StoredRow } from './sources.ts'
