export { type ClassWatch, looksLikeClass, newClassWatch } from './class-watch.ts'
export type { LoadedVersion } from './loading.ts'
export { currentRouting, loadedVersion, type Routing, requireRouting, state } from './routing-table.ts'
