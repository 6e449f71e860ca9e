import type { Migration } from '../../core/database/database.ts'

export type MonitoringTables = {
  windows: WindowsTable
  open_windows: OpenWindowsTable
  stale_windows: StaleWindowsTable
  alerts: AlertsTable
  drift_references: ReferencesTable
  sketches: SketchesTable
  silences: SilencesTable
  alert_sinks: SinksTable
  source_watches: SourceWatchesTable
}

export type WindowsTable = { model: string; from_at: string; to_at: string; content: string }

/** The window of a model that closes next. It begins where the last one ended, so that windows never overlap. */
export type OpenWindowsTable = { model: string; from_at: string; to_at: string }

/**
 * Closed windows whose numbers are no longer those of the log, by a time that lies in each: because of rows that came late, or
 * only of labels. `mark` is another with everything that comes, so that what came while a window was counted is seen.
 */
export type StaleWindowsTable = { model: string; at: string; cause: 'rows' | 'labels'; mark: string }

export type AlertsTable = {
  id: string
  model: string
  signal: string
  /** What the signal is about: a column for drift, empty otherwise. One alert fires for each signal and subject. */
  subject: string
  severity: 'page' | 'digest'
  state: 'firing' | 'resolved'
  summary: string
  release: string
  window_from: string
  window_to: string
  value: string
  threshold: number
  threshold_from: string
  verdict: string | null
  note: string | null
  fired_at: string
  resolved_at: string | null
  seen: number
  quiet: string | null
  labels: string | null
}

/** Baseline profiles: the data of a version's training, computed once, with which windows are compared. */
export type ReferencesTable = { model: string; version: number; content: string }

/** Scope: `release/<release>`, `training/<model>@<version>` or `source/<name>`. `reference` names the bins that it was counted in. */
export type SketchesTable = {
  scope: string
  column_name: string
  hour: string
  reference: string
  value_count: number
  content: string
}

export type SilencesTable = {
  id: string
  kind: string
  model: string
  signal: string
  from_at: string
  to_at: string
  reason: string
  by_actor: string
  /** For one that repeats: when it begins (cron), in which time zone, and how long it lasts; null for one that does not. */
  cron: string | null
  zone: string | null
  lasts: string | null
}

export type SinksTable = { name: string; definition: string }

/** Up to where a source was checked, and the profile of its first rows. */
export type SourceWatchesTable = { source: string; upto_seq: number; content: string }

export const migrations: Migration[] = [
  {
    name: 'monitoring/001-windows',
    up: () => [
      'create table windows (model text not null, from_at text not null, to_at text not null, content text not null, primary key (model, from_at))',
      `create table alerts (
        id text primary key, model text not null, signal text not null, subject text not null, severity text not null, state text not null,
        summary text not null, release text not null, window_from text not null, window_to text not null, value text not null,
        threshold double precision not null, threshold_from text not null, verdict text, note text, fired_at text not null, resolved_at text)`,
      'create index alerts_by_model on alerts (model, fired_at)',
      'create table drift_references (model text not null, version bigint not null, content text not null, primary key (model, version))',
    ],
  },
  {
    name: 'monitoring/002-sketches-and-rules',
    up: () => [
      'delete from drift_references',
      'alter table alerts add column seen bigint not null default 1',
      'alter table alerts add column quiet text',
      'alter table alerts add column labels text',
      'create index alerts_firing on alerts (state, model)',
      `create table sketches (
        scope text not null, column_name text not null, hour text not null, reference text not null, value_count bigint not null,
        content text not null, primary key (scope, column_name, hour))`,
      `create table silences (
        id text primary key, kind text not null, model text not null, signal text not null, from_at text not null, to_at text not null,
        reason text not null, by_actor text not null)`,
      'create table alert_sinks (name text primary key, definition text not null)',
      'create table source_watches (source text primary key, upto_seq bigint not null, content text not null)',
    ],
  },
  {
    name: 'monitoring/003-recurring-silences',
    up: () => [
      'alter table silences add column cron text',
      'alter table silences add column zone text',
      'alter table silences add column lasts text',
    ],
  },
  {
    name: 'monitoring/004-open-windows',
    up: () => ['create table open_windows (model text primary key, from_at text not null, to_at text not null)'],
  },
  {
    name: 'monitoring/005-stale-windows',
    up: () => [
      `create table stale_windows (
        model text not null, at text not null, cause text not null, mark text not null, primary key (model, at))`,
    ],
  },
]
