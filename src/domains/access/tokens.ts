import { timingSafeEqual } from 'node:crypto'
import { type Actor, afterCommit, type Context, liveValue, type Role, roleRank } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { day, minute } from '../../core/duration.ts'
import { AppError, notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import { resolveCi } from './ci.ts'
import type { access } from './contract.ts'
import { append } from './events.ts'
import { remembered } from './remembered.ts'
import { hashOf, newSecret } from './secret-text.ts'
import type { TokenRecord, UserRecord } from './store.ts'
import * as store from './store.ts'
import { noteUse } from './use.ts'
import { askingUser } from './users.ts'

type Operations = typeof access
type Token = Output<Operations['revokeToken']>

const noteEvery = minute

type Known = { token: TokenRecord; owner: UserRecord | undefined }

const tokens = remembered('tokens', async (ctx, hash): Promise<Known | undefined> => {
  const token = await store.findTokenByHash(ctx, hash)
  return token && { token, owner: token.owner === null ? undefined : await store.findUser(ctx, { id: token.owner }) }
})

export function whoami(ctx: Context): Output<Operations['whoami']> {
  return identity(ctx.actor)
}

export function identity({ name, role, kind, scopes }: Actor): Output<Operations['whoami']> {
  return { name, role, kind, ...(scopes === undefined ? {} : { scopes: [...scopes] }) }
}

/** Nobody makes a token that may do more than its maker. */
export async function createToken(
  ctx: Context,
  { name, role, days, service = false, scopes }: Input<Operations['createToken']>,
): Promise<Output<Operations['createToken']>> {
  const { actor } = ctx
  if (roleRank[role] > roleRank[actor.role])
    throw new AppError('forbidden', `"${actor.name}" is a ${actor.role} and makes no token of a ${role}.`, {
      name: role,
    })
  if (actor.scopes !== undefined)
    throw new AppError('forbidden', 'A token with scopes makes no other tokens.', { name: actor.name })
  if (service && actor.role !== 'admin')
    throw new AppError('forbidden', 'Only an admin makes tokens of services.', { name })
  return transaction(ctx, async (ctx) => {
    const owner = service ? undefined : await askingUser(ctx)
    if (!owner && actor.role !== 'admin')
      throw new AppError('forbidden', `"${actor.name}" is not a user, so the token would be nobody's.`, { name })
    const text = newSecret('keel')
    const row: TokenRecord = {
      id: ctx.id('tok'),
      name,
      role,
      hash: hashOf(text),
      created_at: ctx.now().toISOString(),
      expires_at: days === undefined ? null : new Date(ctx.now().getTime() + days * day).toISOString(),
      revoked: false,
      owner: owner?.id ?? null,
      service,
      scopes: scopes ?? null,
      last_used_at: null,
    }
    await store.insertToken(ctx, row)
    const told = { name, role, ...(service ? { service } : {}), ...(scopes === undefined ? {} : { scopes }) }
    await append(ctx, 'access.token_created', `token/${row.id}`, told)
    return { ...toToken(row, owner?.name), token: text }
  })
}

export async function listTokens(ctx: Context): Promise<Output<Operations['listTokens']>> {
  const names = new Map((await store.listUsers(ctx)).map(({ id, name }) => [id, name]))
  const own = await askingUser(ctx)
  const all = ctx.actor.role === 'admin' ? await store.listTokens(ctx) : own ? await store.listTokens(ctx, own.id) : []
  return { items: all.map((row) => toToken(row, names.get(row.owner ?? ''))) }
}

export function revokeToken(ctx: Context, { token: id }: Input<Operations['revokeToken']>): Promise<Token> {
  return transaction(ctx, async (ctx) => {
    const token = await store.findToken(ctx, id)
    const owner = token?.owner ? await store.findUser(ctx, { id: token.owner }) : undefined
    const own = owner !== undefined && owner.id === (await askingUser(ctx))?.id
    if (!token || !(own || ctx.actor.role === 'admin')) throw notFound('Token', id, 'List them with "keel token list".')
    await store.updateToken(ctx, id, { revoked: true })
    await append(ctx, 'access.token_revoked', `token/${id}`)
    afterCommit(ctx, () => tokens.forget(ctx, token.hash))
    return toToken({ ...token, revoked: true }, owner?.name)
  })
}

/** A text that only who may read the data folder has: it is made at the start, and `keel` on this machine sends it. */
export function localKey(ctx: Context): string {
  return liveValue(ctx, 'access.local_key', () => newSecret('local'))
}

/** Who presents this text: a token, a job of CI, or a command on the server's own machine. */
export async function resolveToken(ctx: Context, text: string): Promise<Actor> {
  if (text.startsWith('local_') && sameText(text, localKey(ctx))) return { name: 'local', role: 'admin', kind: 'local' }
  const job = await resolveCi(ctx, text)
  if (job) return job
  const found = await tokens.find(ctx, hashOf(text))
  const expired = found?.token.expires_at != null && found.token.expires_at <= ctx.now().toISOString()
  if (!found || found.token.revoked || expired || found.owner?.active === false) throw unknown()
  const { token, owner } = found
  noteUse(ctx, token, noteEvery, async (at) => store.updateToken(ctx, token.id, { last_used_at: at }))
  return {
    name: owner ? `${owner.name}/${token.name}` : token.name,
    role: owner ? lower(owner.role, token.role) : token.role,
    kind: token.service ? 'service' : 'token',
    ...(token.scopes === null ? {} : { scopes: token.scopes }),
  }
}

function unknown(): AppError {
  return new AppError('unauthenticated', 'The token is unknown, revoked or expired.', {
    hint: 'Ask an admin for "keel token create".',
  })
}

/** A token never does more than its owner may today. */
function lower(one: Role, other: Role): Role {
  return roleRank[one] < roleRank[other] ? one : other
}

function sameText(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(one)), Buffer.from(hashOf(other)))
}

function toToken(row: TokenRecord, owner: string | undefined): Token {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    ...(owner === undefined ? {} : { owner }),
    service: row.service,
    ...(row.scopes === null ? {} : { scopes: row.scopes }),
    createdAt: row.created_at,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
    revoked: row.revoked,
  }
}
