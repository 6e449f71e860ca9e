import type { Migration } from '../../core/database/database.ts'

export type ReviewTables = { failure_groups: FailureGroupsTable; decisions: DecisionsTable }

export type FailureGroupsTable = {
  id: string
  model: string
  slice_key: string
  content: string
  state: string
  code: string | null
  should_have_caught: string | null
  updated_at: string
}

export type DecisionsTable = {
  id: string
  at: string
  model: string | null
  what: string
  reason: string
  actor: string
  evidence: string | null
}

export const migrations: Migration[] = [
  {
    name: 'review/001-failures',
    up: () => [
      `create table failure_groups (
        id text primary key, model text not null, slice_key text not null, content text not null, state text not null, code text,
        should_have_caught text, updated_at text not null)`,
      'create unique index failure_groups_by_slice on failure_groups (model, slice_key)',
      `create table decisions (
        id text primary key, at text not null, model text, what text not null, reason text not null, actor text not null, evidence text)`,
    ],
  },
]
