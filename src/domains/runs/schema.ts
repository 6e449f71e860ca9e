import type { Migration } from '../../core/database/database.ts'

export type RunsTables = {
  experiments: ExperimentsTable
  experiment_tags: { experiment_id: number; key: string; value: string }
  runs: RunsTable
  run_params: PairTable
  run_tags: PairTable
  metrics: MetricsTable
  latest_metrics: LatestMetricsTable
  input_datasets: InputDatasetsTable
  run_inputs: RunInputsTable
  run_outputs: { run: number; model: string; step: number }
  logged_models: LoggedModelsTable
  logged_model_pairs: { model: string; kind: string; key: string; value: string }
  logged_model_metrics: LoggedModelMetricsTable
  import_marks: { id: string; mark: string }
}

/** Times of this domain are epoch milliseconds: clients bring their own, and millions of metrics carry one. */
export type ExperimentsTable = {
  id: number
  name: string
  location: string
  deleted: number
  created_at: number
  updated_at: number
}

/** Other tables refer to `number`; clients know `id`. */
export type RunsTable = {
  number: number
  id: string
  experiment_id: number
  name: string
  user_name: string
  status: string
  deleted: number
  location: string
  started_at: number
  ended_at: number | null
}

export type PairTable = { run: number; key: string; value: string }

/** NaN and the infinities have no portable number: `special` names them, and `value` puts them in their place when sorted. */
export type MetricsTable = { run: number; key: string; step: number; at: number; value: number; special: string }

export type LatestMetricsTable = MetricsTable & { experiment_id: number }

/** `context` is what the input is used for, such as "train": a tag that is searched. */
export type RunInputsTable = { run: number; kind: string; ref: string; context: string | null; tags: string }

export type InputDatasetsTable = {
  id: string
  experiment_id: number
  name: string
  digest: string
  source_type: string
  source: string
  schema: string | null
  profile: string | null
}

export type LoggedModelsTable = {
  id: string
  experiment_id: number
  name: string
  location: string
  status: string
  message: string
  model_type: string
  source_run: string | null
  deleted: number
  created_at: number
  updated_at: number
}

export type LoggedModelMetricsTable = {
  model: string
  run_id: string
  key: string
  step: number
  at: number
  value: number
  special: string
  dataset_name: string
  dataset_digest: string
}

export const migrations: Migration[] = [
  {
    name: 'runs/001-runs',
    up: (engine) => [
      `create table experiments (
        id bigint primary key, name text not null unique, location text not null, deleted integer not null,
        created_at bigint not null, updated_at bigint not null)`,
      `insert into experiments values (0, 'Default', 'mlflow-artifacts:/0', 0, ${Date.now()}, ${Date.now()})`,
      `create table experiment_tags (
        experiment_id bigint not null, key text not null, value text not null, primary key (experiment_id, key))`,
      `create table runs (
        number ${engine.identity}, id text not null unique, experiment_id bigint not null, name text not null,
        user_name text not null, status text not null, deleted integer not null, location text not null,
        started_at bigint not null, ended_at bigint)`,
      'create index runs_newest on runs (experiment_id, deleted, started_at desc, id)',
      `create table run_params (
        run bigint not null, key text not null, value text not null, primary key (run, key)) ${engine.clustered}`,
      `create table run_tags (
        run bigint not null, key text not null, value text not null, primary key (run, key)) ${engine.clustered}`,
      `create table metrics (
        run bigint not null, key text not null, step bigint not null, at bigint not null, value double precision not null,
        special text not null, primary key (run, key, step, at, value, special)) ${engine.clustered}`,
      'create index metrics_by_time on metrics (run, key, at, step, value)',
      `create table latest_metrics (
        run bigint not null, key text not null, step bigint not null, at bigint not null, value double precision not null,
        special text not null, experiment_id bigint not null, primary key (run, key)) ${engine.clustered}`,
      'create index latest_metrics_by_value on latest_metrics (experiment_id, key, value)',
    ],
  },
  {
    name: 'runs/002-inputs-and-logged-models',
    up: (engine) => [
      `create table input_datasets (
        id text primary key, experiment_id bigint not null, name text not null, digest text not null,
        source_type text not null, source text not null, schema text, profile text, unique (experiment_id, name, digest))`,
      `create table run_inputs (
        run bigint not null, kind text not null, ref text not null, context text, tags text not null,
        primary key (run, kind, ref)) ${engine.clustered}`,
      'create table run_outputs (run bigint not null, model text not null, step bigint not null, primary key (run, model, step))',
      `create table logged_models (
        id text primary key, experiment_id bigint not null, name text not null, location text not null, status text not null,
        message text not null, model_type text not null, source_run text, deleted integer not null, created_at bigint not null,
        updated_at bigint not null)`,
      'create index logged_models_newest on logged_models (experiment_id, deleted, created_at desc, id)',
      `create table logged_model_pairs (
        model text not null, kind text not null, key text not null, value text not null, primary key (model, kind, key))`,
      `create table logged_model_metrics (
        model text not null, run_id text not null, key text not null, step bigint not null, at bigint not null,
        value double precision not null, special text not null, dataset_name text not null, dataset_digest text not null,
        primary key (model, run_id, key, step, at, value, dataset_name, dataset_digest))`,
    ],
  },
  {
    name: 'runs/003-metric-journal',
    up: (engine) =>
      engine.sqlite ? [`create table metric_journal (number ${engine.identity}, points text not null)`] : [],
  },
  {
    name: 'runs/004-children',
    up: () => ["create index run_tags_parent on run_tags (value) where key = 'mlflow.parentRunId'"],
  },
  {
    name: 'runs/005-import-marks',
    up: () => ['create table import_marks (id text primary key, mark text not null)'],
  },
]
