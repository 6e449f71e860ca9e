import { existsSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Context, liveValue } from '../../core/context.ts'
import { append } from '../../core/events.ts'
import { transaction } from '../../core/transaction.ts'

/** Of a log that is open: when it was last written, and how many answers a second came then. */
type Note = { at: string; wall: number; perSecond: number }

const pathOf = (ctx: Context) => join(ctx.folder, 'prediction-log.open')
const last = (ctx: Context) => liveValue(ctx, 'serving.last_flush', () => ({ wall: ctx.clock.wall() }))

/** Leaves a note beside the data: whoever starts after a crash knows how much may be missing. */
export async function noteFlush(ctx: Context, count: number): Promise<void> {
  const previous = last(ctx)
  const wall = ctx.clock.wall()
  const seconds = Math.max(1, (wall - previous.wall) / 1_000)
  previous.wall = wall
  const note: Note = { at: ctx.now().toISOString(), wall, perSecond: count / seconds }
  const draft = `${pathOf(ctx)}.draft`
  await writeFile(draft, JSON.stringify(note))
  await rename(draft, pathOf(ctx))
}

/** The server ended in good order: nothing is missing. */
export async function forgetOpenLog(ctx: Context): Promise<void> {
  await rm(pathOf(ctx), { force: true })
}

/** What a server that was killed had not written: at most what came within a second, at the rate of its last write. */
export async function reportGap(ctx: Context): Promise<void> {
  if (!existsSync(pathOf(ctx))) return
  const { at, perSecond } = JSON.parse(await readFile(pathOf(ctx), 'utf8')) as Note
  const atMost = Math.ceil(perSecond)
  const data = { after: at, seconds: 1, predictionsAtMost: atMost }
  ctx.log.warn(data, 'the server before this one ended without writing its last predictions')
  await transaction(ctx, (ctx) => append(ctx, 'serving.log_gap', 'server/log', data))
  await forgetOpenLog(ctx)
}
