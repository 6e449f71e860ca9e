import type { Context } from '../../core/context.ts'
import type { AccessTables, TokensTable } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<AccessTables>()

export async function insertToken(ctx: Context, token: TokensTable): Promise<void> {
  await tables(ctx).insertInto('tokens').values(token).execute()
}

export async function listTokens(ctx: Context): Promise<TokensTable[]> {
  return tables(ctx).selectFrom('tokens').selectAll().orderBy('id', 'desc').execute()
}

export async function findByHash(ctx: Context, hash: string): Promise<TokensTable | undefined> {
  return tables(ctx).selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst()
}

export async function revoke(ctx: Context, id: string): Promise<TokensTable | undefined> {
  return tables(ctx).updateTable('tokens').set({ revoked: 1 }).where('id', '=', id).returningAll().executeTakeFirst()
}
