import { createHash, randomBytes } from 'node:crypto'
import { type Actor, afterCommit, type Context, type Role } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { day } from '../../core/duration.ts'
import { AppError, notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import type { access } from './contract.ts'
import { append } from './events.ts'
import { findToken, forgetToken } from './known-tokens.ts'
import type { TokensTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof access

export function whoami(ctx: Context): Output<Operations['whoami']> {
  return { name: ctx.actor.name, role: ctx.actor.role }
}

export function createToken(
  ctx: Context,
  { name, role, days }: Input<Operations['createToken']>,
): Promise<Output<Operations['createToken']>> {
  return transaction(ctx, async (ctx) => {
    const text = `keel_${randomBytes(24).toString('base64url')}`
    const expires = days === undefined ? null : new Date(ctx.now().getTime() + days * day).toISOString()
    const row: TokensTable = {
      id: ctx.id('tok'),
      name,
      role,
      hash: hashOf(text),
      created_at: ctx.now().toISOString(),
      expires_at: expires,
      revoked: 0,
    }
    await store.insertToken(ctx, row)
    await append(ctx, 'access.token_created', `token/${row.id}`, { name, role })
    return { ...toToken(row), token: text }
  })
}

export async function listTokens(ctx: Context): Promise<Output<Operations['listTokens']>> {
  return { items: (await store.listTokens(ctx)).map(toToken) }
}

export function revokeToken(
  ctx: Context,
  { token }: Input<Operations['revokeToken']>,
): Promise<Output<Operations['revokeToken']>> {
  return transaction(ctx, async (ctx) => {
    const row = await store.revoke(ctx, token)
    if (!row) throw notFound('Token', token, 'List them with "keel token list".')
    await append(ctx, 'access.token_revoked', `token/${token}`)
    afterCommit(ctx, () => forgetToken(ctx, row.hash))
    return toToken(row)
  })
}

/** Who presents this token. Only its hash is stored, so a copy of the database signs nobody in. */
export async function resolveToken(ctx: Context, text: string): Promise<Actor> {
  const row = await findToken(ctx, hashOf(text))
  const expired = row?.expires_at != null && row.expires_at <= ctx.now().toISOString()
  if (!row || row.revoked === 1 || expired) {
    throw new AppError('unauthenticated', 'The token is unknown, revoked or expired.', {
      hint: 'Ask an admin for "keel token create".',
    })
  }
  return { name: row.name, role: row.role as Role }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function toToken(row: TokensTable): Output<Operations['revokeToken']> {
  return {
    id: row.id,
    name: row.name,
    role: row.role as Role,
    createdAt: row.created_at,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    revoked: row.revoked === 1,
  }
}
