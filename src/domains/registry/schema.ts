import type { Migration } from '../../core/migrate.ts'

export type RegistryTables = {
  models: ModelsTable
  specs: SpecsTable
  versions: VersionsTable
  aliases: AliasesTable
  version_tags: VersionTagsTable
}

export type ModelsTable = {
  name: string
  kind: string
  spec_version: number
  latest_version: number
  /** What the built-in baseline (version 0) answers. */
  baseline: number | null
  tags: string
  created_at: string
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
  created_at: string
  created_by: string
}

export type AliasesTable = { model: string; alias: string; version: number }
export type VersionTagsTable = { model: string; version: number; key: string; value: string }

export const migrations: Migration[] = [
  {
    name: 'registry/001-models',
    up: () => [
      `create table models (
        name text primary key, kind text not null, spec_version bigint not null, latest_version bigint not null,
        baseline double precision, tags text not null, created_at text not null)`,
      `create table specs (
        model text not null, version bigint not null, spec text not null, digest text not null, created_at text not null,
        created_by text not null, primary key (model, version))`,
      `create table versions (
        model text not null, version bigint not null, flavor text not null, artifact text, constant double precision, prompt text,
        signature text, service text, training_set text, run_id text, code text, sources text not null, description text not null,
        created_at text not null, created_by text not null, primary key (model, version))`,
      'create table aliases (model text not null, alias text not null, version bigint not null, primary key (model, alias))',
      `create table version_tags (
        model text not null, version bigint not null, key text not null, value text not null, primary key (model, version, key))`,
    ],
  },
]
