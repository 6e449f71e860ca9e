export { type Migration, migrate } from './migrate.ts'
export { type Database, type Engine, openDatabase } from './open.ts'
export { type CoreTables, type JobsTable, migrations } from './schema.ts'
