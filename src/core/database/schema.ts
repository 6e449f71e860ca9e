import type { Migration } from './engine.ts'

export const migrations: Migration[] = [
  {
    name: 'core/001-events',
    up: (engine) => [
      `create table events (
        seq ${engine.identity}, at text not null, type text not null, subject text not null, actor text not null,
        cause text not null, request_id text not null, data text not null, delivered integer not null)`,
      'create index events_by_subject on events (subject, seq)',
      'create index events_by_type on events (type, seq)',
      'create index events_undelivered on events (seq) where delivered = 0',
    ],
  },
  {
    name: 'core/002-jobs',
    up: () => [
      `create table jobs (
        id text primary key, kind text not null, key text unique, payload text not null, state text not null,
        run_at text not null, attempts bigint not null, max_attempts bigint not null, fence bigint not null,
        lease_until bigint not null, progress text, result text, error text, created_at text not null, finished_at text)`,
      `create index jobs_due on jobs (run_at) where state = 'pending'`,
      `create index jobs_leased on jobs (lease_until) where state = 'running'`,
      `create table schedules (
        name text primary key, kind text not null, payload text not null, cron text not null, zone text not null,
        next_at text not null, paused integer not null)`,
      'create table clock (id bigint primary key, now text not null)',
    ],
  },
]
