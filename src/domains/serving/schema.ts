import type { Migration } from '../../core/database/database.ts'

export type ServingTables = {
  serving_routes: RoutesTable
  prediction_segments: SegmentsTable
  labels: LabelsTable
  serving_spend: SpendTable
  recorded_predictions: RecordedTable
  outcomes: OutcomesTable
  serving_imports: ImportsTable
}

export type RoutesTable = { endpoint: string; revision: number; routing: string }

/** Logged predictions: immutable Parquet files, named by digest. */
export type SegmentsTable = {
  id: string
  endpoint: string
  from_at: string
  to_at: string
  row_count: number
  digest: string
  /** Rows before this time were counted by whoever sums the log up; `counted` where all of them were. */
  counted_until: string
}

/** Later than any time of a row. */
export const counted = '9999'

/** Ids of predictions that somebody else made and sent here, so that one that is sent again is not written again. */
export type RecordedTable = { endpoint: string; prediction: string; at: string }

/** `content` is the JSON of a label that is no number; its `value` is then 0. */
export type LabelsTable = {
  endpoint: string
  prediction: string
  value: number
  content: string | null
  known_at: string
}

/** What followed from a prediction, or for a unit: a thumb, a conversion, revenue. */
export type OutcomesTable = {
  endpoint: string
  id: string
  name: string
  prediction: string | null
  unit: string | null
  value: number
  at: string
  known_at: string
}

/** Money of an endpoint's day: what servers have taken to spend, and what of it they said they spent. */
export type SpendTable = { endpoint: string; day: string; taken: number; spent: number }

/**
 * How far the labels or predictions of a model are taken from a source: up to which row, under which definition (`setup`, a digest),
 * and what came of it (`content`, JSON).
 */
export type ImportsTable = {
  model: string
  what: 'labels' | 'predictions'
  setup: string
  cursor: number
  at: string
  problem: string | null
  content: string
}

export const migrations: Migration[] = [
  {
    name: 'serving/001-routes',
    up: () => [
      'create table serving_routes (endpoint text primary key, revision bigint not null, routing text not null)',
      `create table prediction_segments (
        id text primary key, endpoint text not null, from_at text not null, to_at text not null, row_count bigint not null,
        digest text not null)`,
      'create index prediction_segments_by_time on prediction_segments (endpoint, to_at)',
      `create table labels (
        endpoint text not null, prediction text not null, value double precision not null, known_at text not null,
        primary key (endpoint, prediction))`,
      'create index labels_by_time on labels (endpoint, known_at)',
    ],
  },
  {
    name: 'serving/002-spend',
    up: () => [
      `create table serving_spend (
        endpoint text not null, day text not null, taken double precision not null, spent double precision not null,
        primary key (endpoint, day))`,
    ],
  },
  {
    name: 'serving/003-small-segments',
    up: () => ['create index prediction_segments_by_size on prediction_segments (endpoint, row_count)'],
  },
  {
    name: 'serving/004-recorded-predictions',
    up: () => [
      `create table recorded_predictions (
        endpoint text not null, prediction text not null, at text not null, primary key (endpoint, prediction))`,
    ],
  },
  {
    name: 'serving/005-imports',
    up: () => [
      `create table serving_imports (
        model text not null, what text not null, setup text not null, cursor bigint not null, at text not null, problem text,
        content text not null, primary key (model, what))`,
    ],
  },
  {
    name: 'serving/006-labels-of-any-kind',
    up: () => ['alter table labels add column content text'],
  },
  {
    name: 'serving/007-counted-segments',
    up: () => [
      "alter table prediction_segments add column counted_until text not null default ''",
      `update prediction_segments set counted_until = '${counted}'`,
      'create index prediction_segments_by_count on prediction_segments (endpoint, counted_until)',
    ],
  },
  {
    name: 'serving/008-outcomes',
    up: () => [
      `create table outcomes (
        endpoint text not null, id text not null, name text not null, prediction text, unit text,
        value double precision not null, at text not null, known_at text not null, primary key (endpoint, id))`,
      'create index outcomes_by_prediction on outcomes (endpoint, prediction)',
      'create index outcomes_by_time on outcomes (endpoint, at)',
      'create index outcomes_by_knowledge on outcomes (endpoint, known_at)',
    ],
  },
]
