import type { Migration } from '../../core/database/database.ts'

export type TracesTables = {
  traces: TracesTable
  trace_values: TraceValuesTable
  trace_spans: SpansTable
  trace_runs: { trace: string; run: string }
  trace_assessments: AssessmentsTable
  example_sets: ExampleSetsTable
  example_set_experiments: { example_set: string; experiment_id: number }
  examples: ExamplesTable
  scorers: ScorersTable
}

/** What MLflow calls an evaluation dataset: examples that change, to draw golden sets from. */
export type ExampleSetsTable = {
  id: string
  name: string
  tags: string
  created_at: number
  updated_at: number
  created_by: string | null
  updated_by: string | null
}

/** One example for each input of a set; the rest of it is JSON. */
export type ExamplesTable = {
  id: string
  example_set: string
  input_digest: string
  content: string
  created_at: number
  updated_at: number
}

/** Code of a client, stored as it came and never run here. */
export type ScorersTable = {
  id: string
  experiment_id: number
  name: string
  version: number
  content: string
  created_at: number
}

/** Times are epoch milliseconds, as in the domain of runs. */
export type TracesTable = {
  id: string
  experiment_id: number
  at: number
  duration: number | null
  state: string
  client_request: string | null
  request_preview: string | null
  response_preview: string | null
}

/** Tags, and the client's metadata. */
export type TraceValuesTable = { trace: string; kind: 'tag' | 'metadata'; key: string; value: string }

/** `content` is the whole span as OTLP's JSON has it, so nothing of it is lost; the columns are what searches look at. */
export type SpansTable = {
  trace: string
  span: string
  parent: string | null
  name: string
  type: string
  status: string
  start_ms: number
  end_ms: number | null
  content: string
}

export type AssessmentsTable = {
  id: string
  trace: string
  name: string
  kind: string
  value: string
  span: string | null
  content: string
  created_at: number
  updated_at: number
  valid: number
}

export const migrations: Migration[] = [
  {
    name: 'traces/001-traces',
    up: (engine) => [
      `create table traces (
        id text primary key, experiment_id bigint not null, at bigint not null, duration bigint, state text not null,
        client_request text, request_preview text, response_preview text)`,
      'create index traces_newest on traces (experiment_id, at desc, id)',
      `create table trace_values (
        trace text not null, kind text not null, key text not null, value text not null,
        primary key (trace, kind, key)) ${engine.clustered}`,
      `create table trace_spans (
        trace text not null, span text not null, parent text, name text not null, type text not null, status text not null,
        start_ms double precision not null, end_ms double precision, content text not null, primary key (trace, span))`,
      'create table trace_runs (trace text not null, run text not null, primary key (trace, run))',
      'create index trace_runs_by_run on trace_runs (run)',
      `create table trace_assessments (
        id text primary key, trace text not null, name text not null, kind text not null, value text not null, span text,
        content text not null, created_at bigint not null, updated_at bigint not null, valid integer not null)`,
      'create index trace_assessments_of on trace_assessments (trace, created_at)',
    ],
  },
  {
    name: 'traces/002-example-sets-and-scorers',
    up: () => [
      `create table example_sets (
        id text primary key, name text not null, tags text not null, created_at bigint not null, updated_at bigint not null,
        created_by text, updated_by text)`,
      `create table example_set_experiments (
        example_set text not null, experiment_id bigint not null, primary key (example_set, experiment_id))`,
      `create table examples (
        id text primary key, example_set text not null, input_digest text not null, content text not null,
        created_at bigint not null, updated_at bigint not null, unique (example_set, input_digest))`,
      `create table scorers (
        id text not null, experiment_id bigint not null, name text not null, version bigint not null, content text not null,
        created_at bigint not null, primary key (experiment_id, name, version))`,
    ],
  },
]
