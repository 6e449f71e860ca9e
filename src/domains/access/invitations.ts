import { afterCommit, type Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { day } from '../../core/duration.ts'
import { AppError, conflict, invalidInput, notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import type { access } from './contract.ts'
import { append } from './events.ts'
import { checkPassword, hashPassword } from './passwords.ts'
import { hashOf, newSecret } from './secret-text.ts'
import { type Begun, beginSession, forgetSessions } from './sessions.ts'
import type { InvitationRecord, UserRecord } from './store.ts'
import * as store from './store.ts'
import { checkEmail, toUser, type User } from './users.ts'

type Operations = typeof access

/** For a name that exists it is a new password; the user keeps what they are. */
export function inviteUser(
  ctx: Context,
  { name, role, days = 7, ...given }: Input<Operations['inviteUser']>,
): Promise<Output<Operations['inviteUser']>> {
  const email = given.email?.toLowerCase()
  return transaction(ctx, async (ctx) => {
    const user = await store.findUser(ctx, { name })
    if (user && ((role !== undefined && role !== user.role) || (email !== undefined && email !== user.email)))
      throw conflict(`"${name}" is a user already.`, {
        name,
        hint: `Change the user: keel user change ${name}. An invitation without role and address sets a new password.`,
      })
    if (user && !user.active)
      throw conflict(`"${name}" may not sign in.`, { name, hint: `keel user change ${name} --state active` })
    if (!user && role === undefined)
      throw invalidInput('The role is missing.', { name: 'role', hint: 'One of viewer, member, admin.' })
    if (!user && email !== undefined) await checkEmail(ctx, email)
    const text = newSecret('join')
    const now = ctx.now()
    const row: InvitationRecord = {
      id: ctx.id('inv'),
      hash: hashOf(text),
      name,
      email: user?.email ?? email ?? null,
      role: user?.role ?? role ?? 'viewer',
      created_by: ctx.actor.name,
      created_at: now.toISOString(),
      expires_at: new Date(now.getTime() + days * day).toISOString(),
      closed_at: null,
    }
    await store.insertInvitation(ctx, row)
    await append(ctx, 'access.user_invited', `invitation/${row.id}`, { name, role: row.role })
    return { ...toInvitation(row), link: `/join#${text}` }
  })
}

export async function listInvitations(ctx: Context): Promise<Output<Operations['listInvitations']>> {
  const now = ctx.now().toISOString()
  const open = (await store.listInvitations(ctx)).filter((row) => row.expires_at > now)
  return { items: open.map(toInvitation) }
}

export function revokeInvitation(
  ctx: Context,
  { invitation }: Input<Operations['revokeInvitation']>,
): Promise<Output<Operations['revokeInvitation']>> {
  return transaction(ctx, async (ctx) => {
    const row = await store.findInvitation(ctx, { id: invitation })
    if (!row) throw notFound('Invitation', invitation, 'List them with "keel user invitations".')
    await store.closeInvitation(ctx, row.id, ctx.now().toISOString())
    await append(ctx, 'access.invitation_revoked', `invitation/${row.id}`)
    return {}
  })
}

export async function readInvitation(
  ctx: Context,
  { text }: Input<Operations['readInvitation']>,
): Promise<Output<Operations['readInvitation']>> {
  const { name, role, created_by: by, expires_at: expiresAt } = await openInvitation(ctx, text)
  return { name, role, by, expiresAt }
}

export async function acceptInvitation(
  ctx: Context,
  { text, password }: Input<Operations['acceptInvitation']>,
): Promise<Begun<User>> {
  const { name } = await openInvitation(ctx, text)
  checkPassword(password, name)
  const stored = await hashPassword(ctx, password)
  return transaction(ctx, async (ctx) => {
    const invitation = await openInvitation(ctx, text)
    const now = ctx.now().toISOString()
    await store.closeInvitation(ctx, invitation.id, now)
    const user = await joined(ctx, invitation, stored)
    const ended = await store.endSessions(ctx, user.id, now, undefined)
    afterCommit(ctx, () => forgetSessions(ctx, ended))
    return { output: toUser(user), session: await beginSession(ctx, user, 'invitation') }
  })
}

/** The user of the invitation, made now or with a new password. */
async function joined(ctx: Context, invitation: InvitationRecord, password: string): Promise<UserRecord> {
  const { name, role, email } = invitation
  const known = await store.findUser(ctx, { name })
  if (known) {
    if (!known.active) throw gone()
    await store.updateUser(ctx, known.id, { password })
    await append(ctx, 'access.password_changed', `user/${name}`)
    return { ...known, password }
  }
  return addUser(ctx, { name, role, email, password, issuer: null, subject: null, way: 'invitation' })
}

type Added = Pick<UserRecord, 'name' | 'role' | 'email' | 'password' | 'issuer' | 'subject'> & { way: string }

export async function addUser(ctx: Context, { way, ...given }: Added): Promise<UserRecord> {
  const user: UserRecord = { ...given, id: ctx.id('usr'), active: true, created_at: ctx.now().toISOString() }
  await store.insertUser(ctx, user)
  await append(ctx, 'access.user_joined', `user/${user.name}`, { role: user.role, way })
  return user
}

async function openInvitation(ctx: Context, text: string): Promise<InvitationRecord> {
  const row = await store.findInvitation(ctx, { hash: hashOf(text) })
  if (!row || row.expires_at <= ctx.now().toISOString()) throw gone()
  return row
}

function gone(): AppError {
  return new AppError('unauthenticated', 'The invitation is unknown, used, taken back or expired.', {
    hint: 'Ask an admin for a new one: keel user invite <name>',
  })
}

function toInvitation(row: InvitationRecord): Output<Operations['listInvitations']>['items'][number] {
  return {
    id: row.id,
    name: row.name,
    ...(row.email === null ? {} : { email: row.email }),
    role: row.role,
    by: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }
}
