import { existsSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Context, liveValue } from '../../../core/context.ts'
import { millisecondsOf } from '../../../core/time.ts'
import { transaction } from '../../../core/transaction.ts'
import { append } from '../events.ts'

/** Of a log that is open: when it was last written, how many answers a second came then, and how many wait because it cannot be written. */
type Note = { at: string; perSecond: number; waiting?: number }
export type Gap = { after: string; seconds: number; predictionsAtMost: number }
type Heartbeat = { wall: number; at: string; perSecond: number; gap: Gap | null }

const pathOf = (ctx: Context) => join(ctx.folder, 'prediction-log.open')
const held = (ctx: Context) =>
  liveValue(
    ctx,
    'serving.log_gap',
    (): Heartbeat => ({ wall: ctx.clock.wall(), at: ctx.now().toISOString(), perSecond: 0, gap: null }),
  )

/** Leaves a note beside the data: whoever starts after a crash knows how much may be missing. */
export async function noteFlush(ctx: Context, count: number): Promise<void> {
  const last = held(ctx)
  const wall = ctx.clock.wall()
  const seconds = Math.max(1, (wall - last.wall) / 1_000)
  last.wall = wall
  last.at = ctx.now().toISOString()
  last.perSecond = count / seconds
  await note(ctx, { at: last.at, perSecond: last.perSecond, waiting: 0 })
}

/** The same while nothing can be written: a crash then takes with it what waits. */
export async function noteWaiting(ctx: Context, waiting: number): Promise<void> {
  const { at, perSecond } = held(ctx)
  await note(ctx, { at, perSecond, waiting })
}

async function note(ctx: Context, content: Note): Promise<void> {
  const draft = `${pathOf(ctx)}.draft`
  await writeFile(draft, JSON.stringify(content))
  await rename(draft, pathOf(ctx))
}

/** The server ended in good order: nothing is missing. */
export async function forgetOpenLog(ctx: Context): Promise<void> {
  await rm(pathOf(ctx), { force: true })
}

/** What a server that was killed had not written: at most what waited and what came within a second, at the rate of its last write. */
export async function reportGap(ctx: Context): Promise<void> {
  if (!existsSync(pathOf(ctx))) return
  const { at, perSecond, waiting = 0 } = JSON.parse(await readFile(pathOf(ctx), 'utf8')) as Note
  const seconds = waiting > 0 ? Math.max(1, Math.ceil((ctx.now().getTime() - millisecondsOf(at)) / 1_000)) : 1
  const data: Gap = { after: at, seconds, predictionsAtMost: waiting + Math.ceil(perSecond) }
  ctx.log.warn(data, 'the server before this one ended without writing its last predictions')
  await transaction(ctx, (ctx) => append(ctx, 'serving.log_gap', 'server/log', data))
  await forgetOpenLog(ctx)
  held(ctx).gap = data
}

/** What the server before this one left unwritten. */
export function gapBefore(ctx: Context): Gap | null {
  return held(ctx).gap
}
