import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { dateOf, millisecondsOf } from '../../core/tables/tables.ts'
import * as registry from '../registry/registry.ts'
import type { delivery } from './contract.ts'
import * as store from './store.ts'

type Operations = typeof delivery
type Span = Output<Operations['timeline']>['spans'][number]

export async function timeline(
  ctx: Context,
  { model }: Input<Operations['timeline']>,
): Promise<Output<Operations['timeline']>> {
  await registry.getModel(ctx, { model })
  // What was recorded later may have happened before.
  const log = (await store.listLive(ctx, model)).sort((a, b) => millisecondsOf(a.at) - millisecondsOf(b.at))
  return {
    spans: log.map(
      ({ release, seen_as, version, at, because }, index): Span => ({
        release,
        seenAs: seen_as,
        version: Number(version),
        from: at,
        to: log[index + 1]?.at ?? null,
        because,
      }),
    ),
  }
}

/** Which release got ordinary traffic at a time, and which a share of it, from the append-only log. */
export async function liveAt(
  ctx: Context,
  { model, at }: Input<Operations['liveAt']>,
): Promise<Output<Operations['liveAt']>> {
  const moment = at === undefined ? ctx.now().toISOString() : dateOf(at).toISOString()
  const { spans } = await timeline(ctx, { model })
  const live = spans.findLast(({ from }) => from <= moment) ?? null
  return { at: moment, live, canary: await canaryAt(ctx, model, moment) }
}

async function canaryAt(ctx: Context, model: string, moment: string): Promise<Output<Operations['liveAt']>['canary']> {
  const after = (at: string | null) => at === null || at > moment
  const partly = (await store.listReleases(ctx, model)).filter(
    ({ first_live_at, fully_live_at, ended_at }) => !after(first_live_at) && after(fully_live_at) && after(ended_at),
  )
  for (const release of partly) {
    const entry = (await store.listHistory(ctx, release.id)).findLast(({ at }) => at <= moment)
    if (entry && entry.share > 0 && entry.share < 1)
      return { release: release.id, version: release.version, share: entry.share }
  }
  return null
}

export async function isPinned(ctx: Context, model: string): Promise<boolean> {
  return (await store.findPin(ctx, model))?.pinned === 1
}
