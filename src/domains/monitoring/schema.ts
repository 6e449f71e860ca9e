import type { Migration } from '../../core/migrate.ts'

export type MonitoringTables = { windows: WindowsTable; alerts: AlertsTable; drift_references: ReferencesTable }

export type WindowsTable = { model: string; from_at: string; to_at: string; content: string }

export type AlertsTable = {
  id: string
  model: string
  signal: string
  /** What exactly: a column for drift, empty otherwise. One alert fires per signal and subject. */
  subject: string
  severity: string
  state: string
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
}

/** What a version looked like in training: made once, then compared with. */
export type ReferencesTable = { model: string; version: number; content: string }

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
]
