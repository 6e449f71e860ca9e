import type { Actor, Context } from '../../core/context.ts'
import { afterCommit } from '../../core/context.ts'
import type { BegunSession, Input, Output } from '../../core/contract.ts'
import { day, minute } from '../../core/duration.ts'
import { AppError, notFound } from '../../core/errors.ts'
import { millisecondsOf } from '../../core/time.ts'
import { transaction } from '../../core/transaction.ts'
import type { access } from './contract.ts'
import { append } from './events.ts'
import { remembered } from './remembered.ts'
import { hashOf, newSecret } from './secret-text.ts'
import type { SessionRecord, UserRecord } from './store.ts'
import * as store from './store.ts'
import { noteUse } from './use.ts'

type Operations = typeof access
export type Begun<T> = { output: T; session: BegunSession }

const lifetime = 30 * day
/** A session that nobody used for so long has ended. */
const idleTime = 7 * day
const noteEvery = 10 * minute
const maxAgentLength = 200

type Known = { session: SessionRecord; user: UserRecord }

const sessions = remembered('sessions', async (ctx, hash): Promise<Known | undefined> => {
  const session = await store.findSession(ctx, { hash })
  const user = session && (await store.findUser(ctx, { id: session.user_id }))
  return session && user && { session, user }
})

/** Part of the transaction in which somebody signs in. */
export async function beginSession(ctx: Context, user: UserRecord, way: string): Promise<BegunSession> {
  const text = newSecret('session')
  const now = ctx.now()
  const at = now.toISOString()
  await store.insertSession(ctx, {
    id: ctx.id('ses'),
    hash: hashOf(text),
    user_id: user.id,
    agent: ctx.agent?.slice(0, maxAgentLength) ?? null,
    created_at: at,
    last_used_at: at,
    expires_at: new Date(now.getTime() + lifetime).toISOString(),
    ended_at: null,
  })
  await append(ctx, 'access.signed_in', `user/${user.name}`, { way })
  return { text, seconds: lifetime / 1000 }
}

/** Whose session a cookie is; nobody's once it has ended, lain idle or its user may not sign in. */
export async function resolveSession(ctx: Context, text: string): Promise<Actor | undefined> {
  const found = await sessions.find(ctx, hashOf(text))
  if (!found) return undefined
  const { session, user } = found
  const now = ctx.now().toISOString()
  const idle = ctx.now().getTime() - millisecondsOf(session.last_used_at) > idleTime
  if (!user.active || session.ended_at !== null || session.expires_at <= now || idle) return undefined
  noteUse(ctx, session, noteEvery, async (at) => store.updateSession(ctx, session.id, { last_used_at: at }))
  return { name: user.name, role: user.role, kind: 'user', session: session.id }
}

/** Of the user who asks; of everybody for an admin. */
export async function listSessions(
  ctx: Context,
  { all = false }: Input<Operations['listSessions']>,
): Promise<Output<Operations['listSessions']>> {
  if (all && ctx.actor.role !== 'admin') throw new AppError('forbidden', 'Only an admin sees the sessions of others.')
  const names = new Map((await store.listUsers(ctx)).map(({ id, name }) => [id, name]))
  const own = [...names].find(([, name]) => ctx.actor.kind === 'user' && name === ctx.actor.name)?.[0]
  if (!all && own === undefined) return { items: [] }
  const rows = await store.listSessions(ctx, ctx.now().toISOString(), all ? undefined : own)
  return {
    items: rows.map((row) => ({
      id: row.id,
      user: names.get(row.user_id) ?? row.user_id,
      ...(row.agent === null ? {} : { agent: row.agent }),
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at,
      expiresAt: row.expires_at,
      present: row.id === ctx.actor.session,
    })),
  }
}

export function endSession(
  ctx: Context,
  { session: id }: Input<Operations['endSession']>,
): Promise<Output<Operations['endSession']>> {
  return transaction(ctx, async (ctx) => {
    const session = await store.findSession(ctx, { id })
    const user = session && (await store.findUser(ctx, { id: session.user_id }))
    const own = ctx.actor.kind === 'user' && user?.name === ctx.actor.name
    // Whoever may not end it need not hear that it exists.
    if (!session || !user || !(own || ctx.actor.role === 'admin'))
      throw notFound('Session', id, 'List them with "keel user sessions".')
    if (session.ended_at === null) await end(ctx, session, user.name)
    return {}
  })
}

export function signOut(ctx: Context): Promise<Output<Operations['signOut']>> {
  const { session } = ctx.actor
  return session === undefined ? Promise.resolve({}) : endSession(ctx, { session })
}

async function end(ctx: Context, session: SessionRecord, user: string): Promise<void> {
  await store.updateSession(ctx, session.id, { ended_at: ctx.now().toISOString() })
  await append(ctx, 'access.session_ended', `user/${user}`, { session: session.id })
  afterCommit(ctx, () => forgetSessions(ctx, [session]))
}

export function forgetSessions(ctx: Context, ended: readonly { hash: string }[]): void {
  for (const { hash } of ended) sessions.forget(ctx, hash)
}
