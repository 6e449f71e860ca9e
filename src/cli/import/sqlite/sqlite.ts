export { openSqliteSource } from './sqlite-source.ts'
