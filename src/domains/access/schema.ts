import type { Migration } from '../../core/database/database.ts'

export type AccessTables = { tokens: TokensTable }

export type TokensTable = {
  id: string
  name: string
  role: string
  hash: string
  created_at: string
  expires_at: string | null
  revoked: number
}

export const migrations: Migration[] = [
  {
    name: 'access/001-tokens',
    up: () => [
      `create table tokens (
        id text primary key, name text not null, role text not null, hash text not null unique,
        created_at text not null, expires_at text, revoked integer not null)`,
    ],
  },
]
