import { latestOf } from '../../core/background/background.ts'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import type { registry } from './contract.ts'
import { append, events } from './events.ts'
import { getModel, requireModel } from './models.ts'
import { liveAlias, refuseLiveAlias } from './rules.ts'
import * as store from './store.ts'
import { requireVersion } from './versions.ts'

/** Moves that are listed; older ones are in the audit log. */
const maxMoves = 5_000

type Operations = typeof registry
type Model = Output<Operations['getModel']>

export async function setAlias(ctx: Context, { model, alias, version }: Input<Operations['setAlias']>): Promise<Model> {
  refuseLiveAlias(alias, model)
  return transaction(ctx, async (ctx) => {
    await requireVersion(ctx, model, version)
    await store.saveAlias(ctx, { model, alias, version })
    const { kind } = await requireModel(ctx, model)
    await append(ctx, 'registry.alias_set', `model/${model}`, { kind, alias, version })
    return getModel(ctx, { model })
  })
}

export async function deleteAlias(ctx: Context, { model, alias }: Input<Operations['deleteAlias']>): Promise<Model> {
  refuseLiveAlias(alias, model)
  return transaction(ctx, async (ctx) => {
    const { kind } = await requireModel(ctx, model)
    const known = (await store.listAliases(ctx, model)).some((row) => row.alias === alias)
    if (!known) throw notFound('Alias', alias, `See "keel models show ${model}".`)
    await store.removeAlias(ctx, model, alias)
    await append(ctx, 'registry.alias_deleted', `model/${model}`, { kind, alias })
    return getModel(ctx, { model })
  })
}

/** Moves "live" to what delivery made live; for version 0, the baseline, the alias is removed. */
export async function moveLiveAlias(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<void> {
  await transaction(ctx, async (ctx) => {
    if (version === 0) {
      await store.removeAlias(ctx, model, liveAlias)
      await append(ctx, 'registry.alias_deleted', `model/${model}`, { kind: 'model', alias: liveAlias })
    } else {
      await requireVersion(ctx, model, version)
      await store.saveAlias(ctx, { model, alias: liveAlias, version })
      await append(ctx, 'registry.alias_set', `model/${model}`, { kind: 'model', alias: liveAlias, version })
    }
  })
}

/** Where an alias pointed, and when, newest first. Read from the events, so that every way of moving it is included. */
export async function aliasHistory(
  ctx: Context,
  { model, alias, limit = 100 }: Input<Operations['aliasHistory']>,
): Promise<Output<Operations['aliasHistory']>> {
  await requireModel(ctx, model)
  const subject = `model/${model}`
  const moves = await latestOf(ctx, events, { subject, type: 'registry.alias_set', limit: maxMoves })
  const ends = await latestOf(ctx, events, { subject, type: 'registry.alias_deleted', limit: maxMoves })
  const items = [...moves, ...ends]
    .filter(({ data }) => alias === undefined || data.alias === alias)
    .sort((a, b) => b.seq - a.seq)
    .slice(0, limit)
    .map(({ at, actor, cause, data }) => ({
      alias: data.alias ?? '',
      version: 'version' in data ? (data.version ?? null) : null,
      at,
      by: actor,
      cause,
    }))
  return { items }
}
