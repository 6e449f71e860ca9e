export type { Loaded } from './loading.ts'
export { loadedVersion, type Routing, requireRouting, state } from './routing-table.ts'
