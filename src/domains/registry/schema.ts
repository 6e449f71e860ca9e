import type { Migration } from '../../core/database/database.ts'

export type RegistryTables = {
  models: ModelsTable
  model_tags: ModelTagsTable
  specs: SpecsTable
  versions: VersionsTable
  aliases: AliasesTable
  version_tags: VersionTagsTable
}

export type ModelsTable = {
  name: string
  kind: 'model' | 'prompt'
  spec_version: number
  latest_version: number
  /** What the built-in baseline (version 0) answers. */
  baseline: number | null
  /** The same where answers are texts or classes. */
  baseline_text: string | null
  description: string
  created_at: string
  updated_at: string
}

export type SpecsTable = {
  model: string
  version: number
  spec: string
  digest: string
  created_at: string
  created_by: string
}

export type VersionsTable = {
  model: string
  version: number
  flavor: string
  artifact: string | null
  constant: number | null
  prompt: string | null
  signature: string | null
  service: string | null
  training_set: string | null
  run_id: string | null
  code: string | null
  sources: string
  description: string
  /** Where the client says that the bytes are, such as `models:/m-…`. */
  uri: string | null
  logged_model: string | null
  /** The stages of old MLflow clients; production follows releases, not these. */
  stage: string
  /** JSON of the scan at registration; null when there was nothing to scan, or before there were scans. */
  scan: string | null
  /** JSON of what the MLmodel file says; null where there is none. */
  mlflow: string | null
  created_at: string
  updated_at: string
  created_by: string
}

export type AliasesTable = { model: string; alias: string; version: number }
export type ModelTagsTable = { model: string; key: string; value: string }
export type VersionTagsTable = { model: string; version: number; key: string; value: string }

export const migrations: Migration[] = [
  {
    name: 'registry/001-models',
    up: () => [
      `create table models (
        name text primary key, kind text not null, spec_version bigint not null, latest_version bigint not null,
        baseline double precision, description text not null, created_at text not null, updated_at text not null)`,
      'create table model_tags (model text not null, key text not null, value text not null, primary key (model, key))',
      `create table specs (
        model text not null, version bigint not null, spec text not null, digest text not null, created_at text not null,
        created_by text not null, primary key (model, version))`,
      `create table versions (
        model text not null, version bigint not null, flavor text not null, artifact text, constant double precision, prompt text,
        signature text, service text, training_set text, run_id text, code text, sources text not null, description text not null,
        uri text, logged_model text, stage text not null, created_at text not null, updated_at text not null,
        created_by text not null, primary key (model, version))`,
      'create index versions_by_run on versions (run_id)',
      'create table aliases (model text not null, alias text not null, version bigint not null, primary key (model, alias))',
      `create table version_tags (
        model text not null, version bigint not null, key text not null, value text not null, primary key (model, version, key))`,
    ],
  },
  { name: 'registry/002-scans', up: () => ['alter table versions add column scan text'] },
  { name: 'registry/003-text-baselines', up: () => ['alter table models add column baseline_text text'] },
  { name: 'registry/004-mlflow-models', up: () => ['alter table versions add column mlflow text'] },
]
