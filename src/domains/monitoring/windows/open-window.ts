import { getJob } from '../../../core/background/background.ts'
import type { Context } from '../../../core/context.ts'
import { isoOf, millisecondsOf } from '../../../core/tables/tables.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import { enqueue } from '../jobs.ts'
import { windowAround } from '../rules.ts'
import type { OpenWindowsTable } from '../schema.ts'
import { type Settings, settingsOf } from '../settings.ts'
import * as store from '../store.ts'

/** Opens the first window of a model that went live; one that is watched already goes on. */
export async function watch(ctx: Context, { model }: { model: string }): Promise<void> {
  const { spec } = await registry.getModel(ctx, { model })
  if (!spec) return
  const settings = settingsOf(spec)
  await transaction(ctx, async (ctx) => {
    const open = await store.findOpenWindow(ctx, model)
    const next = open ? endedAnew(ctx, open, settings) : await firstWindow(ctx, model, settings)
    await schedule(ctx, next, settings)
  })
}

/** After a change of its spec: the window that is open ends where the new ones begin. */
export async function watchAgain(ctx: Context, { model }: { model: string }): Promise<void> {
  if (await store.findOpenWindow(ctx, model)) await watch(ctx, { model })
}

/** Predictions of elsewhere were written down: from the first of them on they are watched. */
export async function watchRecorded(ctx: Context, { model, from }: { model: string; from: string }): Promise<void> {
  if (await store.findOpenWindow(ctx, model)) return
  const settings = settingsOf(await registry.requireSpec(ctx, model))
  const first = windowAround(millisecondsOf(from), settings.anchor, settings.length)
  await schedule(ctx, { model, from_at: isoOf(first.from), to_at: isoOf(first.to) }, settings)
}

/**
 * The closed window in which a time lies: as it was, or, where nothing was served, as the present settings would have it between
 * those that were. Undefined for a time that is not closed yet.
 */
export async function closedWindowAt(
  ctx: Context,
  { model, at, settings }: { model: string; at: string; settings: Settings },
): Promise<{ from: string; to: string } | undefined> {
  const open = await store.findOpenWindow(ctx, model)
  if (!open || at >= open.from_at) return undefined
  const [next] = await store.windowsAfter(ctx, model, at, 1)
  if (next && next.from_at <= at) return { from: next.from_at, to: next.to_at }
  const [before] = await store.windowsBefore(ctx, model, at, 1)
  const around = windowAround(millisecondsOf(at), settings.anchor, settings.length)
  const from = isoOf(around.from)
  const ends = [isoOf(around.to), open.from_at, ...(next ? [next.from_at] : [])]
  return { from: before && before.to_at > from ? before.to_at : from, to: ends.sort()[0] ?? open.from_at }
}

/** It begins where the last one ended, unless nobody watched for so long that whole windows passed. */
async function firstWindow(ctx: Context, model: string, settings: Settings): Promise<OpenWindowsTable> {
  const now = ctx.now().getTime()
  const last = (await store.latestWindow(ctx, model))?.to_at
  const around = windowAround(now, settings.anchor, settings.length)
  const recent = last !== undefined && millisecondsOf(last) > now - settings.maturity - 2 * settings.length
  const from = recent ? millisecondsOf(last) : around.from
  return { model, from_at: isoOf(from), to_at: endAfter(from, settings) }
}

/** A window that has ended stays as it is; the end of one that is open follows the present settings. */
function endedAnew(ctx: Context, open: OpenWindowsTable, settings: Settings): OpenWindowsTable {
  const now = ctx.now().getTime()
  if (millisecondsOf(open.to_at) <= now) return open
  return { ...open, to_at: endAfter(Math.max(now, millisecondsOf(open.from_at)), settings) }
}

function endAfter(at: number, { anchor, length }: Settings): string {
  return isoOf(windowAround(at, anchor, length).to)
}

/** What was answered is written down within seconds: a window that waits for no labels waits for that. */
const writtenMilliseconds = 5_000

async function schedule(ctx: Context, open: OpenWindowsTable, { maturity }: Settings): Promise<void> {
  const { model, from_at: from, to_at: to } = open
  await store.saveOpenWindow(ctx, open)
  const job = {
    kind: 'monitoring.window' as const,
    payload: { model, from, to },
    runAt: new Date(millisecondsOf(to) + Math.max(maturity, writtenMilliseconds)),
  }
  const key = `monitoring.window/${model}/${from}/${to}`
  const scheduled = await getJob(ctx, await enqueue(ctx, { ...job, key }))
  if (scheduled?.state === 'failed') await enqueue(ctx, { ...job, key: `${key}/${ctx.now().toISOString()}` })
}

/**
 * Where the window of a job ends. Undefined for one that another window has replaced, because the settings changed, and for
 * one whose time has not come.
 */
export async function endOfWindow(
  ctx: Context,
  { model, from, to }: { model: string; from: string; to?: string },
  settings: Settings,
): Promise<string | undefined> {
  const open = await store.findOpenWindow(ctx, model)
  const stored = await store.findWindow(ctx, model, from)
  const now = ctx.now().toISOString()
  if (open === undefined) {
    // Scheduled by an earlier version, which kept no open window.
    const end = to ?? isoOf(millisecondsOf(from) + settings.length)
    if (end > now) await watch(ctx, { model })
    return end > now ? undefined : end
  }
  const between = to !== undefined && to <= open.from_at && (await isFree(ctx, { model, from, to })) ? to : undefined
  const known = open.from_at === from ? open.to_at : (stored?.to_at ?? between)
  return known !== undefined && known <= now && (to === undefined || to === known) ? known : undefined
}

/** Whether no window lies in [from, to). */
async function isFree(
  ctx: Context,
  { model, from, to }: { model: string; from: string; to: string },
): Promise<boolean> {
  const [next] = await store.windowsAfter(ctx, model, from, 1)
  return next === undefined || next.from_at >= to
}

/** Opens the window after one that closed; closing it again opens none. */
export async function openNext(
  ctx: Context,
  { model, from, to }: { model: string; from: string; to: string },
  settings: Settings,
): Promise<void> {
  await transaction(ctx, async (ctx) => {
    const open = await store.findOpenWindow(ctx, model)
    if (open && open.from_at !== from) return
    await schedule(ctx, { model, from_at: to, to_at: endAfter(millisecondsOf(to), settings) }, settings)
  })
}
