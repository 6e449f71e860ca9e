import type { Migration } from '../../core/database/database.ts'

export type PipelinesTables = {
  pipelines: PipelinesTable
  pipeline_runs: PipelineRunsTable
  pipeline_steps: PipelineStepsTable
  step_cache: StepCacheTable
}

export type PipelinesTable = {
  name: string
  definition: string
  version: number
  last_run: string | null
  updated_at: string
}

export type PipelineRunsTable = {
  id: string
  pipeline: string
  definition: string
  state: 'running' | 'succeeded' | 'failed' | 'cancelled'
  params: string
  tracking_run: string
  resumed_from: string | null
  fresh: number
  /** Started by its schedule, not by somebody. */
  scheduled: number
  started_at: string
  finished_at: string | null
}

export type PipelineStepsTable = {
  pipeline_run: string
  name: string
  position: number
  state: string
  attempts: number
  seconds: number | null
  cache_key: string | null
  key_parts: string | null
  output: string | null
  exit_code: number | null
  error: string | null
  /** Digest of modes, links and folders around the output's files. */
  tree: string | null
}

export type StepCacheTable = {
  cache_key: string
  output: string
  pipeline_run: string
  step: string
  created_at: string
  /** Modes, links and folders as JSON; null in what earlier versions kept, which is not given back. */
  tree: string | null
}

export const migrations: Migration[] = [
  {
    name: 'pipelines/001-pipelines',
    up: () => [
      `create table pipelines (
        name text primary key, definition text not null, version bigint not null, last_run text, updated_at text not null)`,
      `create table pipeline_runs (
        id text primary key, pipeline text not null, definition text not null, state text not null, params text not null,
        tracking_run text not null, resumed_from text, fresh integer not null, started_at text not null, finished_at text)`,
      'create index pipeline_runs_by_pipeline on pipeline_runs (pipeline, id)',
      `create table pipeline_steps (
        pipeline_run text not null, name text not null, position bigint not null, state text not null, attempts bigint not null,
        seconds double precision, cache_key text, key_parts text, output text, exit_code bigint, error text,
        primary key (pipeline_run, name))`,
      `create table step_cache (
        cache_key text primary key, output text not null, pipeline_run text not null, step text not null, created_at text not null)`,
    ],
  },
  {
    name: 'pipelines/002-output-trees',
    up: () => ['alter table pipeline_steps add column tree text', 'alter table step_cache add column tree text'],
  },
  {
    name: 'pipelines/003-scheduled-runs',
    up: () => ['alter table pipeline_runs add column scheduled integer not null default 0'],
  },
]
