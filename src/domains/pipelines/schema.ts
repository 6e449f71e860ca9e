import type { Migration } from '../../core/migrate.ts'

export const migrations: Migration[] = []
