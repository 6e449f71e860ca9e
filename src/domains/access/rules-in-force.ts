import { afterCommit, type Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { checkDestination } from '../../core/egress/egress.ts'
import { invalidInput } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import type { access } from './contract.ts'
import { append } from './events.ts'
import { remembered } from './remembered.ts'
import * as store from './store.ts'

type Operations = typeof access
export type Rules = Output<Operations['getAccessRules']>

const key = 'newest'
const rules = remembered('rules', async (ctx): Promise<Rules> => (await store.findRules(ctx)) ?? {})

/** How people and CI sign in by others; what another server stored is known here a second later. */
export async function accessRules(ctx: Context): Promise<Rules> {
  return (await rules.find(ctx, key)) ?? {}
}

export function getAccessRules(ctx: Context): Promise<Rules> {
  return accessRules(ctx)
}

export function setAccessRules(ctx: Context, given: Input<Operations['setAccessRules']>): Promise<Rules> {
  const issuers = [...(given.oidc ? [given.oidc.issuer] : []), ...(given.ci ?? []).map(({ issuer }) => issuer)]
  for (const issuer of issuers) checkDestination(ctx, issuer)
  const names = (given.ci ?? []).map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw invalidInput(`"${twice}" is named twice under "ci".`, { name: twice })
  return transaction(ctx, async (ctx) => {
    const at = ctx.now().toISOString()
    await store.insertRules(ctx, { id: ctx.id('acr'), rules: given, created_at: at, created_by: ctx.actor.name })
    await append(ctx, 'access.rules_set', 'access', {})
    afterCommit(ctx, () => rules.forget(ctx, key))
    return given
  })
}

type Claims = Record<string, string | boolean | number | string[]>

/** Whether a token says all of this: a claim with several values fits when one of them does. */
export function claimsFit(wanted: Claims, said: Record<string, unknown>): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    if (!Object.hasOwn(said, name)) return false
    const found = said[name]
    const values = Array.isArray(found) ? found : [found]
    const accepted: unknown[] = Array.isArray(value) ? value : [value]
    return values.some((one) => accepted.includes(one))
  })
}
