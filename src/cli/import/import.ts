export { openApiSource } from './api/api.ts'
export type { MlflowSource, SourceFile } from './source.ts'
export { openSqliteSource } from './sqlite/sqlite.ts'
export { checkCounts, importMlflow } from './write/write.ts'
