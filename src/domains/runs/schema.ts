import type { Migration } from '../../core/migrate.ts'

export type RunsTables = {
  experiments: ExperimentsTable
  runs: RunsTable
  run_params: PairTable
  run_tags: PairTable
  metrics: MetricsTable
  latest_metrics: Omit<MetricsTable, 'seq'>
}

export type ExperimentsTable = { id: string; name: string; tags: string; created_at: string }

export type RunsTable = {
  id: string
  position: string
  experiment_id: string
  name: string
  status: string
  started_at: string
  ended_at: string | null
}

export type PairTable = { run_id: string; key: string; value: string }

/** NaN and the infinities have no portable number: `special` says which one, and `value` is 0. */
export type MetricsTable = {
  seq: number
  run_id: string
  key: string
  step: number
  at: string
  value: number
  special: string
}

export const migrations: Migration[] = [
  {
    name: 'runs/001-runs',
    up: (engine) => [
      'create table experiments (id text primary key, name text not null unique, tags text not null, created_at text not null)',
      `create table runs (
        id text primary key, position text not null unique, experiment_id text not null, name text not null, status text not null,
        started_at text not null, ended_at text)`,
      'create index runs_by_experiment on runs (experiment_id, position)',
      'create table run_params (run_id text not null, key text not null, value text not null, primary key (run_id, key))',
      'create table run_tags (run_id text not null, key text not null, value text not null, primary key (run_id, key))',
      `create table metrics (
        seq ${engine.identity}, run_id text not null, key text not null, step bigint not null, at text not null,
        value double precision not null, special text not null)`,
      'create index metrics_by_key on metrics (run_id, key, step, seq)',
      `create table latest_metrics (
        run_id text not null, key text not null, step bigint not null, at text not null, value double precision not null,
        special text not null, primary key (run_id, key))`,
    ],
  },
]
