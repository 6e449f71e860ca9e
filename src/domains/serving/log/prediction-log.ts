import { withTimeLimit } from '../../../core/concurrency.ts'
import { type Context, liveValue } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import { forgetOpenLog, noteFlush, noteWaiting, reportGap } from './gap.ts'
import { addLine, createLines, type Lines, readLines } from './lines.ts'
import type { LogRecord } from './log-record.ts'
import { addLoss, forgetLoss, type Losses, tellLoss, tellLosses } from './losses.ts'
import { keeps, type LogRules, type Redactions, redact } from './rules.ts'
import { writeSegment } from './segments.ts'

/** Records wait in memory for at most a second; beyond this many the newest are dropped and counted. */
const capacity = 50_000
/** So many are written before the second is over. */
const flushAt = 25_000
const flushMilliseconds = 1_000
/** A write that takes longer hangs: the log counts as failing, and a server that ends does not wait for it. */
const patienceMilliseconds = 10_000

/** By endpoint. */
type Waiting = { count: number; lines: Map<string, Lines> }
type Ring = {
  waiting: Waiting
  /** What is being written; it stays until it is, also over failures. */
  writing: Waiting
  dropped: number
  redactions: Redactions
  /** What was dropped since the last record was written. */
  losses: Losses
  failing: boolean
  flushing: Promise<void> | undefined
  flushingSince: number
  telling: boolean
  timer: NodeJS.Timeout | undefined
}

const nothing = (): Waiting => ({ count: 0, lines: new Map() })
const ring = (ctx: Context) =>
  liveValue(
    ctx,
    'serving.log',
    (): Ring => ({
      waiting: nothing(),
      writing: nothing(),
      dropped: 0,
      redactions: { count: 0 },
      losses: new Map(),
      failing: false,
      flushing: undefined,
      flushingSince: 0,
      telling: false,
      timer: undefined,
    }),
  )

export function droppedRecords(ctx: Context): number {
  return ring(ctx).dropped
}

/** Whether what was answered cannot be written down at the moment. */
export function logState(ctx: Context): { failing: boolean; waiting: number; dropped: number; redactions: number } {
  const held = ring(ctx)
  const { failing, dropped, redactions } = held
  return { failing: failing || hangs(ctx, held), waiting: unwrittenCount(held), dropped, redactions: redactions.count }
}

function hangs(ctx: Context, { flushing, flushingSince }: Ring): boolean {
  return flushing !== undefined && ctx.clock.elapsed() - flushingSince > patienceMilliseconds
}

const unwrittenCount = ({ waiting, writing }: Ring) => waiting.count + writing.count

/** Answers that are not on disk yet, oldest first: of one endpoint or of all, `holding` a text or all. */
export function unwritten(ctx: Context, { endpoint, holding }: { endpoint?: string; holding?: string }): LogRecord[] {
  const { writing, waiting } = ring(ctx)
  return [...writing.lines.values(), ...waiting.lines.values()]
    .filter((lines) => endpoint === undefined || lines.endpoint === endpoint)
    .flatMap((lines) => readLines(lines, holding))
}

type LogPolicy = { rules: LogRules; rollout: boolean }

/** Never waits: the prediction path ends here. */
export function record(ctx: Context, logged: Omit<LogRecord, 'forced'>, { rules, rollout }: LogPolicy): void {
  const kept = keeps(rules, { ...logged, rollout })
  if (kept === 'no') return
  const held = ring(ctx)
  if (unwrittenCount(held) >= capacity) {
    held.dropped += 1
    addLoss(held.losses, logged)
    return
  }
  add(held.waiting, redact(rules, { ...logged, forced: kept === 'forced' }, held.redactions))
  if (held.waiting.count === flushAt) setImmediate(() => void flushQuietly(ctx))
}

function add(waiting: Waiting, logged: LogRecord): void {
  const { endpoint } = logged
  const lines = waiting.lines.get(endpoint) ?? createLines(endpoint)
  waiting.lines.set(endpoint, lines)
  addLine(lines, logged)
  waiting.count += 1
}

export async function startLog(ctx: Context): Promise<void> {
  await reportGap(ctx)
  const timer = setInterval(() => void flushQuietly(ctx), flushMilliseconds)
  timer.unref()
  ring(ctx).timer = timer
}

const late = () => new AppError('deadline_exceeded', 'The prediction log is still being written.')

/** What cannot be written now is lost; the note that stays behind tells the next server how much that is. */
export async function stopLog(ctx: Context): Promise<void> {
  const held = ring(ctx)
  clearInterval(held.timer)
  try {
    await withTimeLimit(flushLog(ctx), patienceMilliseconds, late)
  } catch (error) {
    const left = unwrittenCount(held)
    ctx.log.error({ err: error, left }, 'the server ends without writing the last predictions')
    await noteQuietly(ctx, left)
    return
  }
  await forgetOpenLog(ctx)
}

/** A store that fails is told once, and once more when it is well again. */
async function flushQuietly(ctx: Context): Promise<void> {
  const held = ring(ctx)
  if (held.flushing) {
    if (hangs(ctx, held)) await failing(ctx, held, new AppError('deadline_exceeded', 'The write does not end.'))
    return
  }
  try {
    await flushLog(ctx)
    await tellLosses(ctx, held.losses)
    if (held.failing && held.waiting.count === 0) {
      held.failing = false
      ctx.log.info('the prediction log is written again')
    }
  } catch (error) {
    await failing(ctx, held, error)
  }
}

/** Where the database is well, somebody hears of losses at once, although the store of the log is gone. */
async function failing(ctx: Context, held: Ring, error: unknown): Promise<void> {
  if (!held.failing) ctx.log.error({ err: error }, 'the prediction log cannot be written; predictions go on')
  held.failing = true
  await noteQuietly(ctx, unwrittenCount(held))
  if (held.telling) return
  held.telling = true
  try {
    await tellLosses(ctx, held.losses)
  } catch (error) {
    ctx.log.debug({ err: error }, 'losses of the prediction log are reported later')
  } finally {
    held.telling = false
  }
}

/** On a full disk not even this note can be written; the rate of the last write is used instead. */
async function noteQuietly(ctx: Context, waiting: number): Promise<void> {
  try {
    await noteWaiting(ctx, waiting)
  } catch (error) {
    ctx.log.debug({ err: error }, 'no note of what waits')
  }
}

/** Puts what waits on disk. */
export async function flushLog(ctx: Context): Promise<void> {
  const held = ring(ctx)
  while (held.flushing) await held.flushing
  if (unwrittenCount(held) === 0) return
  held.flushingSince = ctx.clock.elapsed()
  held.flushing = writeAll(ctx, held).finally(() => {
    held.flushing = undefined
  })
  await held.flushing
}

/** First what could not be written before, then what has come since. */
async function writeAll(ctx: Context, held: Ring): Promise<void> {
  const count = unwrittenCount(held)
  if (held.writing.count > 0) await writeOut(ctx, held)
  held.writing = held.waiting
  held.waiting = nothing()
  await writeOut(ctx, held)
  await noteFlush(ctx, count)
}

async function writeOut(ctx: Context, { writing, losses }: Ring): Promise<void> {
  for (const [endpoint, lines] of writing.lines) {
    let told = 0
    await writeSegment(ctx, lines, async (ctx) => {
      told = await tellLoss(ctx, losses, endpoint)
    })
    forgetLoss(losses, endpoint, told)
    writing.lines.delete(endpoint)
    writing.count -= lines.count
  }
}
