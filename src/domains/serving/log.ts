import { type Context, liveValue } from '../../core/context.ts'
import { append } from '../../core/events.ts'
import { transaction } from '../../core/transaction.ts'
import { forgetOpenLog, noteFlush, reportGap } from './log-gap.ts'
import type { Logged } from './log-record.ts'
import { keeps, type LogRules, type Redactions, redact } from './log-rules.ts'
import { writeSegment } from './log-segments.ts'

/** Records wait in memory for at most a second; beyond this many the newest are dropped and counted. */
const capacity = 50_000
/** So many are written before the second is over. */
const flushAt = 10_000
const flushMilliseconds = 1_000

type Lost = { count: number; from: string; to: string }
type Ring = {
  waiting: Logged[]
  writing: Logged[]
  dropped: number
  redactions: Redactions
  /** What was dropped since the last record was written. */
  lost: Map<string, Lost>
  failing: boolean
  flushing: Promise<void> | undefined
  timer: NodeJS.Timeout | undefined
}

const ring = (ctx: Context) =>
  liveValue(
    ctx,
    'serving.log',
    (): Ring => ({
      waiting: [],
      writing: [],
      dropped: 0,
      redactions: { count: 0 },
      lost: new Map(),
      failing: false,
      flushing: undefined,
      timer: undefined,
    }),
  )

export function droppedRecords(ctx: Context): number {
  return ring(ctx).dropped
}

/** Whether what was answered cannot be written down at the moment. */
export function logState(ctx: Context): { failing: boolean; waiting: number; dropped: number; redactions: number } {
  const { failing, waiting, writing, dropped, redactions } = ring(ctx)
  return { failing, waiting: waiting.length + writing.length, dropped, redactions: redactions.count }
}

/** Answers that are not on disk yet, oldest first. */
export function unwritten(ctx: Context): Logged[] {
  const { writing, waiting } = ring(ctx)
  return [...writing, ...waiting]
}

type Kept = { rules: LogRules; rollout: boolean }

/** Never waits: the prediction path ends here. */
export function record(ctx: Context, logged: Omit<Logged, 'forced'>, { rules, rollout }: Kept): void {
  const kept = keeps(rules, { ...logged, rollout })
  if (kept === 'no') return
  const held = ring(ctx)
  if (held.waiting.length >= capacity) {
    drop(held, [logged])
    return
  }
  held.waiting.push(redact(rules, { ...logged, forced: kept === 'forced' }, held.redactions))
  if (held.waiting.length === flushAt) setImmediate(() => void flushQuietly(ctx))
}

function drop(held: Ring, records: Pick<Logged, 'endpoint' | 'at'>[]): void {
  held.dropped += records.length
  for (const { endpoint, at } of records) {
    const lost = held.lost.get(endpoint) ?? { count: 0, from: at, to: at }
    lost.count += 1
    lost.to = at
    held.lost.set(endpoint, lost)
  }
}

export async function startLog(ctx: Context): Promise<void> {
  await reportGap(ctx)
  const timer = setInterval(() => void flushQuietly(ctx), flushMilliseconds)
  timer.unref()
  ring(ctx).timer = timer
}

export async function stopLog(ctx: Context): Promise<void> {
  clearInterval(ring(ctx).timer)
  await flushLog(ctx)
  await forgetOpenLog(ctx)
}

/** A store that fails is told once, and once more when it is well again. */
async function flushQuietly(ctx: Context): Promise<void> {
  const held = ring(ctx)
  if (held.flushing) return
  try {
    await flushLog(ctx)
    await tellLosses(ctx)
    if (held.failing && held.waiting.length === 0) {
      held.failing = false
      ctx.log.info('the prediction log is written again')
    }
  } catch (error) {
    if (!held.failing) ctx.log.error({ err: error }, 'the prediction log cannot be written; predictions go on')
    held.failing = true
  }
}

/** Puts what waits on disk. */
export async function flushLog(ctx: Context): Promise<void> {
  const held = ring(ctx)
  if (held.flushing) await held.flushing
  if (held.waiting.length === 0) return
  held.writing = held.waiting
  held.waiting = []
  held.flushing = writeAll(ctx, held)
    .catch((error: unknown) => {
      const all = [...held.writing, ...held.waiting]
      held.waiting = all.slice(0, capacity)
      drop(held, all.slice(capacity))
      throw error
    })
    .finally(() => {
      held.writing = []
      held.flushing = undefined
    })
  await held.flushing
}

async function writeAll(ctx: Context, held: Ring): Promise<void> {
  const count = held.writing.length
  const byEndpoint = Map.groupBy(held.writing, ({ endpoint }) => endpoint)
  for (const [endpoint, records] of byEndpoint) {
    const lost = held.lost.get(endpoint)
    await writeSegment(ctx, endpoint, records, async (ctx) => {
      if (lost) await append(ctx, 'serving.log_lost', `model/${endpoint}`, { ...lost })
    })
    if (lost) held.lost.delete(endpoint)
    held.writing = held.writing.filter((logged) => logged.endpoint !== endpoint)
  }
  await noteFlush(ctx, count)
}

/** Tells of losses although nothing is left to write. */
async function tellLosses(ctx: Context): Promise<void> {
  const held = ring(ctx)
  for (const [endpoint, lost] of held.lost) {
    await transaction(ctx, (ctx) => append(ctx, 'serving.log_lost', `model/${endpoint}`, { ...lost }))
    held.lost.delete(endpoint)
  }
}
