export type { LoadedVersion } from './loading.ts'
export { loadedVersion, type Routing, requireRouting, state } from './routing-table.ts'
