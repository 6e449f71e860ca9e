import { afterCommit, type Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { conflict, notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import type { access } from './contract.ts'
import { append } from './events.ts'
import { forgetSessions } from './sessions.ts'
import type { UserRecord } from './store.ts'
import * as store from './store.ts'

type Operations = typeof access
export type User = Output<Operations['changeUser']>

export async function listUsers(ctx: Context): Promise<Output<Operations['listUsers']>> {
  return { items: (await store.listUsers(ctx)).map(toUser) }
}

export async function requireUser(ctx: Context, name: string): Promise<UserRecord> {
  const user = await store.findUser(ctx, { name })
  if (!user) throw notFound('User', name, 'List them with "keel user list".')
  return user
}

/** Whoever may sign in no more is signed out at once, and the user's tokens with it. */
export function changeUser(ctx: Context, input: Input<Operations['changeUser']>): Promise<User> {
  const { user: name, role, active } = input
  const email = input.email?.toLowerCase()
  return transaction(ctx, async (ctx) => {
    const user = await requireUser(ctx, name)
    const changed = { ...user, role: role ?? user.role, email: email ?? user.email, active: active ?? user.active }
    await checkAdminsLeft(ctx, user, changed)
    if (email !== undefined) await checkEmail(ctx, email, user.id)
    await store.updateUser(ctx, user.id, { role: changed.role, email: changed.email, active: changed.active })
    await append(ctx, 'access.user_changed', `user/${name}`, { role: changed.role, active: changed.active })
    if (!changed.active) {
      const ended = await store.endSessions(ctx, user.id, ctx.now().toISOString(), undefined)
      afterCommit(ctx, () => forgetSessions(ctx, ended))
    }
    return toUser(changed)
  })
}

/** Users without an admin could not be helped by anybody who signs in. */
async function checkAdminsLeft(ctx: Context, before: UserRecord, after: UserRecord): Promise<void> {
  const isAdmin = ({ role, active }: UserRecord) => role === 'admin' && active
  if (!isAdmin(before) || isAdmin(after)) return
  const others = (await store.listUsers(ctx)).filter((user) => user.id !== before.id && isAdmin(user))
  if (others.length > 0) return
  throw conflict(`"${before.name}" is the only admin.`, {
    name: before.name,
    hint: 'Make somebody else one first: keel user change <name> --role admin',
  })
}

/** Addresses are kept in small letters: providers and people differ in how they write them. */
export async function checkEmail(ctx: Context, email: string, own?: string): Promise<void> {
  const other = await store.findUser(ctx, { email })
  if (other && other.id !== own)
    throw conflict(`"${email}" is the address of "${other.name}".`, { name: email, hint: 'An address is of one user.' })
}

/** The user who asks, by a session or a token of their own. */
export async function askingUser(ctx: Context): Promise<UserRecord | undefined> {
  const { name, kind } = ctx.actor
  const own = kind === 'user' || (kind === 'token' && name.includes('/'))
  return own ? store.findUser(ctx, { name: personOf(name) }) : undefined
}

/** Who stands behind a name in the audit log: the user of `mara/laptop` is `mara`. */
export function personOf(name: string): string {
  return name.split('/')[0] ?? name
}

export function toUser(row: UserRecord): User {
  return {
    id: row.id,
    name: row.name,
    ...(row.email === null ? {} : { email: row.email }),
    role: row.role,
    active: row.active,
    ways: [
      ...(row.password === null ? [] : ['password' as const]),
      ...(row.issuer === null ? [] : ['provider' as const]),
    ],
    createdAt: row.created_at,
  }
}
