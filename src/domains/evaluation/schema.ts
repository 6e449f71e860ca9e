import type { Migration } from '../../core/migrate.ts'

export type EvaluationTables = {
  golden_sets: GoldenSetsTable
  evaluations: EvaluationsTable
  gates: GatesTable
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
}

export type GatesTable = {
  seq: number
  id: string
  model: string
  version: number
  verdict: string
  body: string
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
]
