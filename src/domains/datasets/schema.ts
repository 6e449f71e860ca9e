import type { Migration } from '../../core/database/database.ts'

export type DatasetsTables = {
  sources: SourcesTable
  source_columns: SourceColumnsTable
  source_rows: SourceRowsTable
  source_segments: SourceSegmentsTable
  source_pushes: SourcePushesTable
  source_removals: SourceRemovalsTable
  datasets: DatasetsTable
  source_fetches: SourceFetchesTable
  source_files: SourceFilesTable
  source_bad_rows: SourceBadRowsTable
}

export type SourcesTable = {
  name: string
  definition: string
  vetted: number
  last_seq: number
  first_time: string | null
  last_time: string | null
  updated_at: string
  /** Rows that were removed: numbers are not given again. */
  removed: number
  /** Columns by which features find an entity, with their types, as JSON; null without any. */
  keys: string | null
}

/** `integer_upto`: the last row before a column of integers became one of numbers, where it did. */
export type SourceColumnsTable = { source: string; name: string; type: string; integer_upto: number | null }

/** The newest rows, until they are enough for a segment. */
export type SourceRowsTable = { source: string; seq: number; ingested_at: string; content: string }

/** Older rows: immutable Parquet files, named by digest. */
export type SourceSegmentsTable = { id: string; source: string; from_seq: number; to_seq: number; digest: string }

/** Parts of files that were pushed: `push` is the digest of the file with how it was read. */
export type SourcePushesTable = { source: string; push: string; part: number; parts: number; rows: number; at: string }

/** `first_seq`: the first of the rows that were taken out at once. */
export type SourceRemovalsTable = { source: string; first_seq: number; at: string }

export type DatasetsTable = {
  id: string
  source: string
  upto_seq: number
  row_count: number
  digest: string
  vetted: number
  profile: string
  created_at: string
}

/**
 * How far a source has read the place that its rows come from. `revision` grows with every batch, so that of two readers one stops.
 * `place` is the digest of what was read; `cursor` (JSON) is where a query goes on.
 */
export type SourceFetchesTable = {
  source: string
  revision: number
  place: string
  cursor: string | null
  at: string
  rows: number
  bad: number
  problem: string | null
}

/** A file that was read: its stamp when it is done, and of what was read of it the rows, the bytes and their digest. */
export type SourceFilesTable = {
  source: string
  file: string
  stamp: string
  rows: number
  bytes: number
  digest: string
  problem: string | null
}

/** Rows that could not be taken, by file and number. */
export type SourceBadRowsTable = { source: string; file: string; row: number; what: string; at: string }

export const migrations: Migration[] = [
  {
    name: 'datasets/001-sources',
    up: () => [
      `create table sources (
        name text primary key, definition text not null, vetted integer not null, last_seq bigint not null,
        first_time text, last_time text, updated_at text not null)`,
      'create table source_columns (source text not null, name text not null, type text not null, primary key (source, name))',
      `create table source_rows (
        source text not null, seq bigint not null, ingested_at text not null, content text not null, primary key (source, seq))`,
      `create table source_segments (
        id text primary key, source text not null, from_seq bigint not null, to_seq bigint not null, digest text not null)`,
      'create index source_segments_by_source on source_segments (source, from_seq)',
      `create table datasets (
        id text primary key, source text not null, upto_seq bigint not null, row_count bigint not null, digest text not null,
        vetted integer not null, profile text not null, created_at text not null)`,
    ],
  },
  {
    name: 'datasets/002-widened-columns',
    up: () => ['alter table source_columns add column integer_upto bigint'],
  },
  {
    name: 'datasets/003-removed-rows',
    up: () => ['alter table sources add column removed bigint not null default 0'],
  },
  {
    name: 'datasets/004-keys',
    up: () => ['alter table sources add column keys text'],
  },
  {
    name: 'datasets/005-pushes',
    up: () => [
      `create table source_pushes (
        source text not null, push text not null, part integer not null, parts integer not null, rows integer not null,
        at text not null, primary key (source, push, part))`,
    ],
  },
  {
    name: 'datasets/006-removals',
    up: () => [
      'create table source_removals (source text not null, first_seq bigint not null, at text not null)',
      'create index source_removals_by_source on source_removals (source, at)',
    ],
  },
  {
    name: 'datasets/007-fetches',
    up: () => [
      `create table source_fetches (
        source text primary key, revision bigint not null, place text not null, cursor text, at text not null, rows bigint not null,
        bad bigint not null, problem text)`,
      `create table source_files (
        source text not null, file text not null, stamp text not null, rows bigint not null, bytes bigint not null,
        digest text not null, problem text, primary key (source, file))`,
      `create table source_bad_rows (
        source text not null, file text not null, row bigint not null, what text not null, at text not null,
        primary key (source, file, row))`,
    ],
  },
]
