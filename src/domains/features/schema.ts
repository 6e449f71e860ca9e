import type { Migration } from '../../core/database/database.ts'

export type FeaturesTables = { feature_definitions: DefinitionsTable; training_sets: TrainingSetsTable }

export type DefinitionsTable = { kind: string; name: string; position: number; definition: string }

export type TrainingSetsTable = {
  id: string
  service: string
  as_of: string
  source: string
  from_time: string
  to_time: string
  label: string | null
  columns: string
  row_count: number
  digest: string
  upto_seq: number
  label_mean: number | null
  created_at: string
  /** Every source that was read, as JSON; null in sets of versions that pinned only the source of the examples. */
  sources: string | null
}

export const migrations: Migration[] = [
  {
    name: 'features/001-definitions',
    up: () => [
      `create table feature_definitions (
        kind text not null, name text not null, position bigint not null, definition text not null, primary key (kind, name))`,
      `create table training_sets (
        id text primary key, service text not null, as_of text not null, source text not null, from_time text not null,
        to_time text not null, label text, columns text not null, row_count bigint not null, digest text not null,
        upto_seq bigint not null, label_mean double precision, created_at text not null)`,
    ],
  },
  {
    name: 'features/002-pinned-sources',
    up: () => ['alter table training_sets add column sources text'],
  },
]
