import type { Migration } from '../../core/migrate.ts'

export type ArtifactsTables = { artifacts: ArtifactsTable }

export type ArtifactsTable = {
  digest: string
  size: number
  files: string
  created_at: string
  created_by: string
  position: string
}

export const migrations: Migration[] = [
  {
    name: 'artifacts/001-artifacts',
    up: () => [
      `create table artifacts (
        digest text primary key, size bigint not null, files text not null, created_at text not null, created_by text not null,
        position text not null unique)`,
    ],
  },
]
