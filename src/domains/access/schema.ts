import type { Migration } from '../../core/database/database.ts'

export type AccessTables = {
  tokens: TokensTable
  users: UsersTable
  invitations: InvitationsTable
  sessions: SessionsTable
  access_rules: AccessRulesTable
}

export type TokensTable = {
  id: string
  name: string
  role: string
  hash: string
  created_at: string
  expires_at: string | null
  revoked: number
  /** The user whose token it is; none of a service, and none of tokens made on the server's own machine. */
  owner: string | null
  service: number
  /** JSON: names of operations, also with a star at the end; null is everything that the role allows. */
  scopes: string | null
  last_used_at: string | null
}

export type UsersTable = {
  id: string
  name: string
  email: string | null
  role: string
  active: number
  /** As `passwords.ts` writes it; null where only the identity provider signs the user in. */
  password: string | null
  /** Who the user is to an OpenID provider. */
  issuer: string | null
  subject: string | null
  created_at: string
}

export type InvitationsTable = {
  id: string
  hash: string
  name: string
  email: string | null
  role: string
  created_by: string
  created_at: string
  expires_at: string
  /** When it was taken back or accepted. */
  closed_at: string | null
}

export type SessionsTable = {
  id: string
  hash: string
  user_id: string
  /** The browser, as it names itself. */
  agent: string | null
  created_at: string
  last_used_at: string
  expires_at: string
  ended_at: string | null
}

export type AccessRulesTable = { id: string; rules: string; created_at: string; created_by: string }

export const migrations: Migration[] = [
  {
    name: 'access/001-tokens',
    up: () => [
      `create table tokens (
        id text primary key, name text not null, role text not null, hash text not null unique,
        created_at text not null, expires_at text, revoked integer not null)`,
    ],
  },
  {
    name: 'access/002-people',
    up: () => [
      'alter table tokens add column owner text',
      'alter table tokens add column service integer not null default 0',
      'alter table tokens add column scopes text',
      'alter table tokens add column last_used_at text',
      `create table users (
        id text primary key, name text not null unique, email text unique, role text not null, active integer not null,
        password text, issuer text, subject text, created_at text not null, unique (issuer, subject))`,
      `create table invitations (
        id text primary key, hash text not null unique, name text not null, email text, role text not null,
        created_by text not null, created_at text not null, expires_at text not null, closed_at text)`,
      `create table sessions (
        id text primary key, hash text not null unique, user_id text not null references users (id), agent text,
        created_at text not null, last_used_at text not null, expires_at text not null, ended_at text)`,
      'create index sessions_of_user on sessions (user_id, id)',
      `create table access_rules (
        id text primary key, rules text not null, created_at text not null, created_by text not null)`,
    ],
  },
]
