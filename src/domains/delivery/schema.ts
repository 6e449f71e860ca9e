import type { Migration } from '../../core/database/database.ts'

export type DeliveryTables = {
  releases: ReleasesTable
  rollouts: RolloutsTable
  rollout_history: HistoryTable
  live_log: LiveLogTable
  pins: PinsTable
  rollback_times: RollbackTimesTable
  release_approvals: ApprovalsTable
  policy_overrides: OverridesTable
  outside_routes: OutsideRoutesTable
  seen_traffic: SeenTrafficTable
}

export type ReleasesTable = {
  id: string
  model: string
  number: number
  version: number
  kind: string
  trigger_kind: string
  state: string
  reason: string
  owner: string
  backup: string
  gate: string | null
  addresses: string | null
  plan: string
  plan_digest: string
  created_at: string
  first_live_at: string | null
  fully_live_at: string | null
  ended_at: string | null
  ended_because: string | null
  caught: number | null
  created_by: string
  /** When it was last rolled back; stays when somebody puts it back. */
  failed_at: string | null
  /** The name under which a service elsewhere answers with it; null for what is released from here. */
  seen_as: string | null
}

export type RolloutsTable = {
  release: string
  model: string
  state: string
  step: number
  share: number
  step_started_at: string
  next_check_at: string | null
  guards: string
  /** Compare-and-set: a decision made on an older revision is void. */
  revision: number
}

export type HistoryTable = {
  seq: number
  release: string
  at: string
  state: string
  share: number
  actor: string
  reason: string
  guards: string
}

/** Append-only: which release got all ordinary traffic, and from when on. */
export type LiveLogTable = { seq: number; model: string; release: string; version: number; at: string; because: string }

export type PinsTable = { model: string; pinned: number; reason: string; at: string }

export type RollbackTimesTable = {
  id: string
  model: string
  kind: string
  from_release: string
  to_release: string
  seconds: number
  restored_seconds: number | null
  passed: number
  at: string
}

export type ApprovalsTable = {
  id: string
  model: string
  version: number
  artifact: string
  report: string
  approved_by: string
  reason: string
  at: string
}

export type OverridesTable = {
  id: string
  model: string
  owner: string
  reason: string
  created_at: string
  expires_at: string
}

/** What a model that is deployed externally was last told to answer with. */
export type OutsideRoutesTable = { model: string; revision: number; routing: string }

/** Which release answers elsewhere, as recorded predictions tell. */
export type SeenTrafficTable = { model: string; state: string }

export const migrations: Migration[] = [
  {
    name: 'delivery/001-releases',
    up: (engine) => [
      `create table releases (
        id text primary key, model text not null, number bigint not null, version bigint not null, kind text not null,
        trigger_kind text not null, state text not null, reason text not null, owner text not null, backup text not null, gate text,
        addresses text, plan text not null, plan_digest text not null, created_at text not null, first_live_at text,
        fully_live_at text, ended_at text, ended_because text, caught integer)`,
      'create unique index releases_by_number on releases (model, number)',
      `create table rollouts (
        release text primary key, model text not null, state text not null, step bigint not null, share double precision not null,
        step_started_at text not null, next_check_at text, guards text not null, revision bigint not null)`,
      `create table rollout_history (
        seq ${engine.identity}, release text not null, at text not null, state text not null, share double precision not null,
        actor text not null, reason text not null, guards text not null)`,
      'create index rollout_history_by_release on rollout_history (release, seq)',
      `create table live_log (
        seq ${engine.identity}, model text not null, release text not null, version bigint not null, at text not null,
        because text not null)`,
      'create index live_log_by_model on live_log (model, seq)',
      'create table pins (model text primary key, pinned integer not null, reason text not null, at text not null)',
      `create table rollback_times (
        id text primary key, model text not null, kind text not null, from_release text not null, to_release text not null,
        seconds double precision not null, restored_seconds double precision, passed integer not null, at text not null)`,
    ],
  },
  {
    name: 'delivery/002-approvals',
    up: () => [
      "alter table releases add column created_by text not null default ''",
      'alter table releases add column failed_at text',
      "update releases set failed_at = ended_at where state = 'rolled_back' and caught = 0",
      `create table release_approvals (
        id text primary key, model text not null, version bigint not null, artifact text not null, report text not null,
        approved_by text not null, reason text not null, at text not null)`,
      'create index release_approvals_by_model on release_approvals (model, version)',
      `create table policy_overrides (
        id text primary key, model text not null, owner text not null, reason text not null, created_at text not null,
        expires_at text not null)`,
      'create table outside_routes (model text primary key, revision bigint not null, routing text not null)',
    ],
  },
  {
    name: 'delivery/003-seen-in-predictions',
    up: () => [
      'alter table releases add column seen_as text',
      'create unique index releases_by_seen_name on releases (model, seen_as)',
      'create table seen_traffic (model text primary key, state text not null)',
    ],
  },
]
