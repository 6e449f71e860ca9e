export { type ClassWatch, looksLikeClass, newClassWatch } from './class-watch.ts'
export type { LoadedVersion } from './loading.ts'
export {
  currentRouting,
  failureOf,
  loadedVersion,
  notLoaded,
  type Routing,
  requireRouting,
  routesOf,
} from './routing-table.ts'
