import type { Migration } from '../../core/database/database.ts'

export type ArtifactsTables = {
  artifacts: ArtifactsTable
  artifact_files: ArtifactFilesTable
  artifact_folders: ArtifactFoldersTable
  uploads: UploadsTable
  blob_tombstones: BlobTombstonesTable
}

/** `marked_at`: when the bytes were first found unnamed, in real epoch milliseconds, as file times are. */
export type BlobTombstonesTable = { digest: string; size: number; marked_at: number }

/** `digest` and `size` are those of the joined bytes, once it is complete. */
export type UploadsTable = {
  id: string
  draft: string
  created_at: string
  created_by: string
  digest: string | null
  size: number | null
}

export type ArtifactFilesTable = { path: string; parent: string; digest: string; size: number; updated_at: string }
export type ArtifactFoldersTable = { path: string; parent: string }

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
  {
    name: 'artifacts/002-files',
    up: () => [
      `create table artifact_files (
        path text primary key, parent text not null, digest text not null, size bigint not null, updated_at text not null)`,
      'create index artifact_files_by_parent on artifact_files (parent)',
      'create table artifact_folders (path text primary key, parent text not null)',
      'create index artifact_folders_by_parent on artifact_folders (parent)',
    ],
  },
  {
    name: 'artifacts/003-uploads',
    up: () => [
      `create table uploads (
        id text primary key, draft text not null, created_at text not null, created_by text not null, digest text, size bigint)`,
    ],
  },
  {
    name: 'artifacts/004-tombstones',
    up: () => [
      'create table blob_tombstones (digest text primary key, size bigint not null, marked_at bigint not null)',
    ],
  },
]
