import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { day } from '../../core/duration.ts'
import { invalidInput } from '../../core/errors.ts'
import { dateOf, millisecondsOf } from '../../core/tables/tables.ts'
import { transaction } from '../../core/transaction.ts'
import * as monitoring from '../monitoring/monitoring.ts'
import * as registry from '../registry/registry.ts'
import type { delivery } from './contract.ts'
import { append } from './events.ts'
import { climb, describe, effects, worst } from './ladder.ts'
import { metrics } from './metrics.ts'
import type { OverridesTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof delivery
type Policy = Output<Operations['policy']>
type Override = Output<Operations['overridePolicy']>

const recentDays = 28

/** How freely the model may be released now: the worst rung of the ladder, unless somebody set it aside in writing. */
export async function policy(ctx: Context, { model }: Input<Operations['policy']>): Promise<Policy> {
  const { spec } = await registry.getModel(ctx, { model })
  const free = effects.green
  if (!spec) return { model, level: 'green', reasons: [], effects: [], rules: free, signals: [], override: null }
  const now = ctx.now()
  const from = new Date(now.getTime() - recentDays * day).toISOString()
  const alerts = await monitoring.alertsBetween(ctx, { model, from, to: now.toISOString() })
  const signals = climb({
    spec,
    metrics: await metrics(ctx, { model }),
    recentPages: alerts.filter(({ severity }) => severity === 'page').length,
    daysSinceRehearsal: await daysSinceRehearsal(ctx, model),
  })
  const level = worst(signals)
  const override = (await listOverrides(ctx, { model })).items.find(({ active }) => active) ?? null
  const rules = override ? free : effects[level]
  const reasons = signals.filter((signal) => signal.level !== 'green').map(({ reason }) => reason)
  const set = override ? [`set aside by ${override.owner} until ${override.expiresAt}: ${override.reason}`] : []
  return { model, level, reasons, effects: [...set, ...describe(rules)], rules, signals, override }
}

/** Days since a drill or a rollback worked; before the first one, since the first release was fully live. */
async function daysSinceRehearsal(ctx: Context, model: string): Promise<number | null> {
  const live = (await store.listRouted(ctx, model)).find(({ release }) => release !== `${model}.r0`)
  if (!live) return null
  const rehearsed = (await store.listRollbackTimes(ctx, model)).filter(({ passed }) => passed === 1).at(-1)?.at
  return (ctx.now().getTime() - millisecondsOf(rehearsed ?? live.at)) / day
}

const maxOverrideDays = 30

export async function overridePolicy(ctx: Context, input: Input<Operations['overridePolicy']>): Promise<Override> {
  const { model, owner, reason } = input
  const now = ctx.now()
  const expires = dateOf(input.expiresAt)
  if (expires <= now || expires.getTime() > now.getTime() + maxOverrideDays * day) {
    throw invalidInput(`An override ends within ${maxOverrideDays} days, not at "${input.expiresAt}".`, {
      name: input.expiresAt,
    })
  }
  const expires_at = expires.toISOString()
  const row: OverridesTable = { id: ctx.id('ovr'), model, owner, reason, created_at: now.toISOString(), expires_at }
  await transaction(ctx, async (ctx) => {
    await registry.getModel(ctx, { model })
    await store.insertOverride(ctx, row)
    await append(ctx, 'delivery.policy_overridden', `model/${model}`, { owner, reason, expiresAt: expires_at })
  })
  return toOverride(row, now)
}

export async function listOverrides(
  ctx: Context,
  { model }: Input<Operations['listOverrides']>,
): Promise<Output<Operations['listOverrides']>> {
  return { items: (await store.listOverrides(ctx, model)).map((row) => toOverride(row, ctx.now())) }
}

function toOverride({ id, model, owner, reason, created_at, expires_at }: OverridesTable, now: Date): Override {
  return {
    id,
    model,
    owner,
    reason,
    createdAt: created_at,
    expiresAt: expires_at,
    active: expires_at > now.toISOString(),
  }
}
