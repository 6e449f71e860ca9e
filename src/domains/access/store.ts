import type { Context, Role } from '../../core/context.ts'
import { flag, json, type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import { AccessRules } from './access-file.ts'
import type {
  AccessRulesTable,
  AccessTables,
  InvitationsTable,
  SessionsTable,
  TokensTable,
  UsersTable,
} from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<AccessTables>()
const role = trustedRole()

const tokens = recordsOf<TokensTable>()({
  role,
  revoked: flag,
  service: flag,
  scopes: trustedJson<string[]>(),
})
const users = recordsOf<UsersTable>()({ role, active: flag })
const rules = recordsOf<AccessRulesTable>()({ rules: json(AccessRules) })
const invitations = recordsOf<InvitationsTable>()({ role })

export type TokenRecord = Read<typeof tokens>
export type UserRecord = Read<typeof users>
export type InvitationRecord = Read<typeof invitations>
export type SessionRecord = SessionsTable

/** A column that only this domain writes, with one of three words. */
function trustedRole() {
  return { read: (stored: string | number) => String(stored) as Role, write: (value: Role) => value }
}

export async function insertToken(ctx: Context, token: TokenRecord): Promise<void> {
  await tables(ctx).insertInto('tokens').values(tokens.write(token)).execute()
}

export async function listTokens(ctx: Context, owner?: string): Promise<TokenRecord[]> {
  let query = tables(ctx).selectFrom('tokens').selectAll().orderBy('id', 'desc')
  if (owner !== undefined) query = query.where('owner', '=', owner)
  return (await query.execute()).map(tokens.read)
}

export async function findToken(ctx: Context, id: string): Promise<TokenRecord | undefined> {
  const row = await tables(ctx).selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst()
  return row && tokens.read(row)
}

export async function findTokenByHash(ctx: Context, hash: string): Promise<TokenRecord | undefined> {
  const row = await tables(ctx).selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst()
  return row && tokens.read(row)
}

export async function updateToken(ctx: Context, id: string, values: Partial<TokenRecord>): Promise<void> {
  await tables(ctx).updateTable('tokens').set(tokens.write(values)).where('id', '=', id).execute()
}

export async function insertUser(ctx: Context, user: UserRecord): Promise<void> {
  await tables(ctx).insertInto('users').values(users.write(user)).execute()
}

export async function listUsers(ctx: Context): Promise<UserRecord[]> {
  return (await tables(ctx).selectFrom('users').selectAll().orderBy('name').execute()).map(users.read)
}

export async function findUser(
  ctx: Context,
  by: { id: string } | { name: string } | { email: string } | { issuer: string; subject: string },
): Promise<UserRecord | undefined> {
  let query = tables(ctx).selectFrom('users').selectAll()
  for (const [column, value] of Object.entries(by)) query = query.where(column as keyof UsersTable, '=', value)
  const row = await query.executeTakeFirst()
  return row && users.read(row)
}

export async function updateUser(ctx: Context, id: string, values: Partial<UserRecord>): Promise<void> {
  await tables(ctx).updateTable('users').set(users.write(values)).where('id', '=', id).execute()
}

export async function insertInvitation(ctx: Context, invitation: InvitationRecord): Promise<void> {
  await tables(ctx).insertInto('invitations').values(invitations.write(invitation)).execute()
}

export async function listInvitations(ctx: Context): Promise<InvitationRecord[]> {
  const query = tables(ctx).selectFrom('invitations').selectAll().where('closed_at', 'is', null).orderBy('id', 'desc')
  return (await query.execute()).map(invitations.read)
}

export async function findInvitation(
  ctx: Context,
  by: { id: string } | { hash: string },
): Promise<InvitationRecord | undefined> {
  let query = tables(ctx).selectFrom('invitations').selectAll().where('closed_at', 'is', null)
  for (const [column, value] of Object.entries(by)) query = query.where(column as 'id' | 'hash', '=', value)
  const row = await query.executeTakeFirst()
  return row && invitations.read(row)
}

export async function closeInvitation(ctx: Context, id: string, at: string): Promise<void> {
  await tables(ctx).updateTable('invitations').set({ closed_at: at }).where('id', '=', id).execute()
}

export async function insertSession(ctx: Context, session: SessionsTable): Promise<void> {
  await tables(ctx).insertInto('sessions').values(session).execute()
}

/** Of one user, or of all; those that have ended are left out. */
export async function listSessions(ctx: Context, now: string, user?: string): Promise<SessionsTable[]> {
  let query = tables(ctx)
    .selectFrom('sessions')
    .selectAll()
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .orderBy('id', 'desc')
  if (user !== undefined) query = query.where('user_id', '=', user)
  return query.execute()
}

export async function findSession(
  ctx: Context,
  by: { id: string } | { hash: string },
): Promise<SessionsTable | undefined> {
  let query = tables(ctx).selectFrom('sessions').selectAll()
  for (const [column, value] of Object.entries(by)) query = query.where(column as 'id' | 'hash', '=', value)
  return query.executeTakeFirst()
}

export async function updateSession(ctx: Context, id: string, values: Partial<SessionsTable>): Promise<void> {
  await tables(ctx).updateTable('sessions').set(values).where('id', '=', id).execute()
}

/** Ends those of a user that run, but for one that stays. Returns what ended. */
export async function endSessions(
  ctx: Context,
  user: string,
  at: string,
  but: string | undefined,
): Promise<SessionsTable[]> {
  let query = tables(ctx)
    .updateTable('sessions')
    .set({ ended_at: at })
    .where('user_id', '=', user)
    .where('ended_at', 'is', null)
  if (but !== undefined) query = query.where('id', '!=', but)
  return query.returningAll().execute()
}

export async function insertRules(ctx: Context, row: Read<typeof rules>): Promise<void> {
  await tables(ctx).insertInto('access_rules').values(rules.write(row)).execute()
}

/** The newest. */
export async function findRules(ctx: Context): Promise<Read<typeof rules>['rules'] | undefined> {
  const row = await tables(ctx).selectFrom('access_rules').selectAll().orderBy('id', 'desc').limit(1).executeTakeFirst()
  return row && rules.read(row).rules
}
