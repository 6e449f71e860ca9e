import { createHash } from 'node:crypto'
import type { Context } from '../../../core/context.ts'
import { day } from '../../../core/duration.ts'
import { millisecondsOf } from '../../../core/time.ts'
import type { AnswerMark } from '../../registry/registry.ts'
import * as store from '../store.ts'
import type { Arm, LoggedPrediction, LogRecord } from './log-record.ts'
import { unwritten } from './prediction-log.ts'
import { atBetween, readSegments } from './segments.ts'

type LogQuery = {
  endpoint: string
  from: string
  /** Without it, up to now. */
  to?: string | undefined
  release?: string | undefined
  arm?: Arm | undefined
  mark?: AnswerMark | undefined
  labelledOnly?: boolean
  limit?: number | undefined
  /** Only this share of the units, always the same ones, chosen by a digest of their names. */
  sample?: number
  /** Also what was kept although the sample would not have: to look at what happened, not to estimate from. */
  forced?: boolean
}

type Period = { from: string; to: string | undefined }

const digestSpace = 2 ** 32

function isSampled(unit: string, sample: number): boolean {
  return sample >= 1 || createHash('md5').update(unit).digest().readUInt32BE(0) < sample * digestSpace
}

/** An answer and the one that stood in for it share id and arm. */
const keyOf = ({ arm, id, release }: LogRecord) => `${arm}/${release}/${id}`

/** Logged predictions with at in [from, to), oldest first, each with its label if one is known; `limit` keeps the newest. */
export async function readLog(ctx: Context, read: LogQuery): Promise<LoggedPrediction[]> {
  const { endpoint, from, to, release, arm, mark, labelledOnly = false, limit, sample = 1, forced = false } = read
  // Memory before disk: what a flush moves in between is then seen twice and counted once, never missed.
  const inMemory = unwritten(ctx, { endpoint })
  const stored = await storedRecords(ctx, endpoint, { from, to, sample })
  const known = new Set(stored.map(keyOf))
  const recent = inMemory.filter(
    (logged) =>
      logged.at >= from &&
      (to === undefined || logged.at < to) &&
      isSampled(logged.unit, sample) &&
      !known.has(keyOf(logged)),
  )
  const wanted = [...stored, ...recent].filter(
    (logged) =>
      (release === undefined || logged.release === release) &&
      (arm === undefined || logged.arm === arm) &&
      (mark === undefined || logged.marks.includes(mark)) &&
      (forced || !logged.forced),
  )
  const labels = new Map((await labelsFor(ctx, endpoint, { from, to }, wanted)).map((one) => [one.prediction, one]))
  const joined = wanted.map((logged): LoggedPrediction => {
    const label = labels.get(logged.id)
    return { ...logged, label: label?.label ?? null, labelKnownAt: label?.known_at ?? null }
  })
  const selected = labelledOnly ? joined.filter(({ label }) => label !== null) : joined
  selected.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.id < b.id ? -1 : 1))
  return limit === undefined ? selected : selected.slice(-limit)
}

/**
 * For a period that ended long ago, labels are looked up by the ids of its predictions. Reading by time would bring all
 * labels that came since, most of them of later predictions.
 */
function labelsFor(ctx: Context, endpoint: string, { from, to }: Period, logged: LogRecord[]) {
  const past = to !== undefined && millisecondsOf(to) < ctx.now().getTime() - day
  return past
    ? store.labelsOf(
        ctx,
        endpoint,
        logged.map(({ id }) => id),
      )
    : store.labelsSince(ctx, endpoint, dayBefore(from))
}

/** Clocks differ and callers are quick: a label may have come up to a day before its prediction. */
function dayBefore(from: string): string {
  return from === '' ? '' : new Date(millisecondsOf(from) - day).toISOString()
}

async function storedRecords(
  ctx: Context,
  endpoint: string,
  { from, to, sample }: Period & { sample: number },
): Promise<LogRecord[]> {
  const segments = await store.segmentsBetween(ctx, endpoint, from, to)
  const sampled = sample >= 1 ? '' : `and ('0x' || substr(md5(unit), 1, 8))::ubigint < ${sample * digestSpace}`
  const { where, values } = atBetween(from, to)
  return readSegments(ctx, segments, { where: `${where} ${sampled}`, values })
}

/** How many predictions are on disk that may lie in [from, to): whole segments, so a little more. */
export async function countLogged(
  ctx: Context,
  { endpoint, from, to }: { endpoint: string; from: string; to: string },
): Promise<number> {
  const segments = await store.segmentsBetween(ctx, endpoint, from, to)
  return segments.reduce((sum, { row_count }) => sum + Number(row_count), 0)
}

/** The answer that the caller got: of several with one id, the one that stood in for the others. */
export async function findLogged(ctx: Context, id: string): Promise<LoggedPrediction | undefined> {
  const inMemory = unwritten(ctx, { holding: JSON.stringify(id) }).filter(
    (logged) => logged.id === id && logged.arm !== 'shadow',
  )
  const where = `id = $1 and arm <> 'shadow'`
  const candidates =
    inMemory.length > 0 ? inMemory : await readSegments(ctx, await store.allSegments(ctx), { where, values: [id] })
  const found = candidates.findLast(({ fallback }) => fallback) ?? candidates.at(-1)
  if (!found) return undefined
  const label = await store.findLabel(ctx, found.endpoint, id)
  return { ...found, label: label?.label ?? null, labelKnownAt: label?.known_at ?? null }
}
