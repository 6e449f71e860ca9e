import type { Migration } from '../../core/database/database.ts'

export type EvaluationTables = {
  golden_sets: GoldenSetsTable
  evaluations: EvaluationsTable
  gates: GatesTable
  price_tables: PriceTablesTable
  traffic_samples: TrafficSamplesTable
}

export type GoldenSetsTable = {
  name: string
  version: number
  digest: string
  /** The items as a blob of JSON lines. */
  blob: string
  items: number
  columns: string
  definition: string
  uses: number
  created_at: string
  /** A blob with the provenance of each item as JSON lines; null for sets stored by earlier versions. */
  provenance: string | null
}

export type EvaluationsTable = {
  seq: number
  id: string
  model: string
  version: number
  golden: string
  metric: string
  /** Of the paired difference of the primary metric; null when it could not be computed. */
  standard_error: number | null
  body: string
  /** A blob with every answer, score and time; it also holds hidden items, so its digest is never shown. */
  record: string | null
}

export type GatesTable = {
  seq: number
  id: string
  model: string
  version: number
  verdict: string
  body: string
}

export type PriceTablesTable = {
  seq: number
  digest: string
  prices: string
  created_at: string
  created_by: string
}

export type TrafficSamplesTable = {
  seq: number
  model: string
  from_time: string
  to_time: string
  /** Requests and answers, as JSON lines. */
  blob: string
  row_count: number
  created_at: string
}

export const migrations: Migration[] = [
  {
    name: 'evaluation/001-gates',
    up: (engine) => [
      `create table golden_sets (
        name text not null, version bigint not null, digest text not null, blob text not null, items bigint not null,
        columns text not null, definition text not null, uses bigint not null, created_at text not null,
        primary key (name, version))`,
      `create table evaluations (
        seq ${engine.identity}, id text not null unique, model text not null, version bigint not null, golden text not null,
        metric text not null, standard_error double precision, body text not null)`,
      'create index evaluations_by_model on evaluations (model, seq)',
      `create table gates (
        seq ${engine.identity}, id text not null unique, model text not null, version bigint not null, verdict text not null,
        body text not null)`,
      'create index gates_by_model on gates (model, version, seq)',
    ],
  },
  {
    name: 'evaluation/002-records',
    up: (engine) => [
      'alter table evaluations add column record text',
      'alter table golden_sets add column provenance text',
      `create table price_tables (
        seq ${engine.identity}, digest text not null, prices text not null, created_at text not null,
        created_by text not null)`,
      `create table traffic_samples (
        seq ${engine.identity}, model text not null, from_time text not null, to_time text not null,
        blob text not null, row_count bigint not null, created_at text not null)`,
      'create index traffic_by_model on traffic_samples (model, seq)',
    ],
  },
]
