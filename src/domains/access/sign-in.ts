import { afterCommit, type Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, conflict } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import type { access } from './contract.ts'
import { append } from './events.ts'
import { checkPassword, hashPassword, passwordFits } from './passwords.ts'
import { accessRules } from './rules-in-force.ts'
import { type Begun, beginSession, forgetSessions } from './sessions.ts'
import type { UserRecord } from './store.ts'
import * as store from './store.ts'
import { checkPause, countAttempt, forgetAttempts } from './throttle.ts'
import { identity } from './tokens.ts'
import { toUser, type User } from './users.ts'

type Operations = typeof access

/** Where a sign-in by the provider begins. */
export const providerPath = '/sign-in/provider'

export async function waysToSignIn(ctx: Context): Promise<Output<Operations['waysToSignIn']>> {
  const { oidc } = await accessRules(ctx)
  return {
    who: identity(ctx.actor),
    password: (await store.listUsers(ctx)).some(({ password }) => password !== null),
    ...(oidc === undefined
      ? {}
      : { provider: { name: oidc.name ?? new URL(oidc.issuer).hostname, path: providerPath } }),
  }
}

/** By name or address. A wrong name and a wrong password are told apart by nothing, also not by the time it takes. */
export async function signIn(ctx: Context, { name, password }: Input<Operations['signIn']>): Promise<Begun<User>> {
  checkPause(ctx, name)
  countAttempt(ctx, name)
  const found = await store.findUser(ctx, name.includes('@') ? { email: name.toLowerCase() } : { name })
  const fits = await passwordFits(ctx, password, found?.active === true ? found.password : null)
  if (!found || !fits) throw refused(name)
  forgetAttempts(ctx, name)
  return transaction(ctx, async (ctx) => {
    const user = await store.findUser(ctx, { id: found.id })
    if (!user?.active || user.password !== found.password) throw refused(name)
    return { output: toUser(user), session: await beginSession(ctx, user, 'password') }
  })
}

export async function changePassword(ctx: Context, input: Input<Operations['changePassword']>): Promise<User> {
  const user = await ownUser(ctx)
  checkPause(ctx, user.name)
  if (user.password !== null) {
    countAttempt(ctx, user.name)
    if (!(await passwordFits(ctx, input.present ?? '', user.password))) throw refused(user.name)
    forgetAttempts(ctx, user.name)
  }
  checkPassword(input.next, user.name)
  const password = await hashPassword(ctx, input.next)
  return transaction(ctx, async (ctx) => {
    await store.updateUser(ctx, user.id, { password })
    const ended = await store.endSessions(ctx, user.id, ctx.now().toISOString(), ctx.actor.session)
    await append(ctx, 'access.password_changed', `user/${user.name}`)
    afterCommit(ctx, () => forgetSessions(ctx, ended))
    return toUser({ ...user, password })
  })
}

async function ownUser(ctx: Context): Promise<UserRecord> {
  const user = ctx.actor.kind === 'user' ? await store.findUser(ctx, { name: ctx.actor.name }) : undefined
  if (user) return user
  throw conflict(`"${ctx.actor.name}" is not a user with a password.`, {
    name: ctx.actor.name,
    hint: 'Sign in in a browser first; an admin invites people with "keel user invite <name>".',
  })
}

function refused(name: string): AppError {
  return new AppError('unauthenticated', 'The name or the password is wrong.', {
    name,
    hint: 'Ask an admin for a new invitation if the password is lost.',
  })
}
