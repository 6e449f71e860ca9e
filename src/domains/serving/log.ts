import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Context, liveValue } from '../../core/context.ts'
import { enqueue } from '../../core/jobs.ts'
import { literal } from '../../core/lake.ts'
import { transaction } from '../../core/transaction.ts'
import type { SegmentsTable } from './schema.ts'
import * as store from './store.ts'

export type Arm = 'live' | 'canary' | 'shadow'
export type Bad = 'error' | 'slow' | 'invalid'
type Value = number | string | null

export type Logged = {
  id: string
  endpoint: string
  at: string
  unit: string
  release: string
  version: number
  arm: Arm
  inputs: Record<string, Value>
  output: Value
  bad: Bad | null
  latencyMs: number
}

export type LoggedPrediction = Logged & { label: number | null; labelKnownAt: string | null }

/** Records wait in memory for at most a second; beyond this many the newest are dropped and counted. */
const capacity = 50_000
const flushMilliseconds = 1_000
const mergeFrom = 30

type Buffer = {
  waiting: Logged[]
  writing: Logged[]
  dropped: number
  flushing: Promise<void> | undefined
  timer: NodeJS.Timeout | undefined
}

const buffer = (ctx: Context) =>
  liveValue(
    ctx,
    'serving.log',
    (): Buffer => ({ waiting: [], writing: [], dropped: 0, flushing: undefined, timer: undefined }),
  )

export function droppedRecords(ctx: Context): number {
  return buffer(ctx).dropped
}

/** Never waits: the prediction path ends here. */
export function record(ctx: Context, logged: Logged): void {
  const held = buffer(ctx)
  if (held.waiting.length >= capacity) held.dropped += 1
  else held.waiting.push(logged)
}

export function startLog(ctx: Context): void {
  const timer = setInterval(() => {
    flushLog(ctx).catch((error: unknown) => ctx.log.error({ err: error }, 'writing the prediction log failed'))
  }, flushMilliseconds)
  timer.unref()
  buffer(ctx).timer = timer
}

export async function stopLog(ctx: Context): Promise<void> {
  clearInterval(buffer(ctx).timer)
  await flushLog(ctx)
}

/** Puts what waits on disk. */
export async function flushLog(ctx: Context): Promise<void> {
  const held = buffer(ctx)
  if (held.flushing) await held.flushing
  if (held.waiting.length === 0) return
  held.writing = held.waiting
  held.waiting = []
  held.flushing = writeAll(ctx, held.writing)
    .catch((error: unknown) => {
      held.waiting = [...held.writing, ...held.waiting].slice(0, capacity)
      throw error
    })
    .finally(() => {
      held.writing = []
      held.flushing = undefined
    })
  await held.flushing
}

async function writeAll(ctx: Context, records: Logged[]): Promise<void> {
  for (const endpoint of new Set(records.map((logged) => logged.endpoint))) {
    await writeSegment(
      ctx,
      endpoint,
      records.filter((logged) => logged.endpoint === endpoint),
    )
  }
}

const columnTypes = {
  id: 'varchar',
  endpoint: 'varchar',
  at: 'varchar',
  unit: 'varchar',
  release: 'varchar',
  version: 'bigint',
  arm: 'varchar',
  inputs: 'varchar',
  output: 'varchar',
  bad: 'varchar',
  latencyMs: 'double',
}
const columns = `{${Object.entries(columnTypes)
  .map(([name, type]) => `${literal(name)}: ${literal(type)}`)
  .join(', ')}}`

async function writeSegment(ctx: Context, endpoint: string, records: Logged[]): Promise<void> {
  const folder = join(ctx.folder, 'tmp')
  await mkdir(folder, { recursive: true })
  const draft = join(folder, randomUUID())
  const lines = records.map(
    (logged) =>
      `${JSON.stringify({ ...logged, inputs: JSON.stringify(logged.inputs), output: JSON.stringify(logged.output) })}\n`,
  )
  await writeFile(`${draft}.ndjson`, lines.join(''))
  try {
    await ctx.lake.writeParquet(
      `${draft}.parquet`,
      `select * from read_json(${literal(`${draft}.ndjson`)}, format = 'newline_delimited', columns = ${columns}) order by "at", id`,
    )
    const { digest } = await ctx.blobs.put(createReadStream(`${draft}.parquet`))
    const times = records.map(({ at }) => at).sort()
    const segment: SegmentsTable = {
      id: ctx.id('seg'),
      endpoint,
      from_at: times[0] ?? '',
      to_at: times.at(-1) ?? '',
      row_count: records.length,
      digest,
    }
    await transaction(ctx, async (ctx) => {
      await store.insertSegment(ctx, segment)
      const small = (await store.segmentsBetween(ctx, endpoint, '', '9999')).filter(
        ({ row_count }) => Number(row_count) < 20_000,
      )
      if (small.length >= mergeFrom)
        await enqueue(ctx, { kind: 'serving.merge', payload: { endpoint }, key: `serving.merge/${segment.id}` })
    })
  } finally {
    await rm(`${draft}.ndjson`, { force: true })
    await rm(`${draft}.parquet`, { force: true })
  }
}

/** Merges small segments, so that reading months stays cheap. */
export async function mergeSegments(ctx: Context, payload: Record<string, unknown>): Promise<unknown> {
  const endpoint = String(payload['endpoint'])
  const small = (await store.segmentsBetween(ctx, endpoint, '', '9999')).filter(
    ({ row_count }) => Number(row_count) < 20_000,
  )
  if (small.length < 2) return { merged: 0 }
  const path = join(ctx.folder, 'tmp', `${randomUUID()}.parquet`)
  try {
    const rows = await ctx.lake.writeParquet(
      path,
      `select * from read_parquet(${await pathsOf(ctx, small)}) order by "at", id`,
    )
    const { digest } = await ctx.blobs.put(createReadStream(path))
    const from_at = small.map((segment) => segment.from_at).sort()[0] ?? ''
    const to_at =
      small
        .map((segment) => segment.to_at)
        .sort()
        .at(-1) ?? ''
    const merged = { id: ctx.id('seg'), endpoint, from_at, to_at, row_count: rows, digest }
    await transaction(ctx, (ctx) =>
      store.replaceSegments(
        ctx,
        small.map(({ id }) => id),
        merged,
      ),
    )
    return { merged: small.length }
  } finally {
    await rm(path, { force: true })
  }
}

async function pathsOf(ctx: Context, segments: SegmentsTable[]): Promise<string> {
  const paths: string[] = []
  for (const { digest } of segments) paths.push(literal(await ctx.blobs.localPath(digest)))
  return `[${paths.join(', ')}]`
}

type Read = {
  endpoint: string
  from: string
  to: string
  release?: string | undefined
  arm?: Arm | undefined
  labelledOnly?: boolean
  limit?: number | undefined
  /** Only this share of the units, always the same ones, chosen by a digest of their names. */
  sample?: number
}

const digestSpace = 2 ** 32

function isSampled(unit: string, sample: number): boolean {
  return sample >= 1 || createHash('md5').update(unit).digest().readUInt32BE(0) < sample * digestSpace
}

/** Logged predictions with at in [from, to), oldest first, each with its label if one is known; `limit` keeps the newest. */
export async function readLog(
  ctx: Context,
  { endpoint, from, to, release, arm, labelledOnly = false, limit, sample = 1 }: Read,
): Promise<LoggedPrediction[]> {
  // Memory before disk: what a flush moves in between is then seen twice and counted once, never missed.
  const { waiting, writing } = buffer(ctx)
  const inMemory = [...writing, ...waiting]
  const stored = await storedRecords(ctx, endpoint, { from, to, sample })
  const known = new Set(stored.map(({ id, arm }) => `${arm}/${id}`))
  const recent = inMemory.filter(
    (logged) =>
      logged.endpoint === endpoint &&
      logged.at >= from &&
      logged.at < to &&
      isSampled(logged.unit, sample) &&
      !known.has(`${logged.arm}/${logged.id}`),
  )
  const wanted = [...stored, ...recent].filter(
    (logged) => (release === undefined || logged.release === release) && (arm === undefined || logged.arm === arm),
  )
  const labels = new Map((await store.labelsSince(ctx, endpoint, from)).map((label) => [label.prediction, label]))
  const joined = wanted.map((logged): LoggedPrediction => {
    const label = labels.get(logged.id)
    return { ...logged, label: label?.value ?? null, labelKnownAt: label?.known_at ?? null }
  })
  const selected = labelledOnly ? joined.filter(({ label }) => label !== null) : joined
  selected.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.id < b.id ? -1 : 1))
  return limit === undefined ? selected : selected.slice(-limit)
}

async function storedRecords(
  ctx: Context,
  endpoint: string,
  { from, to, sample }: { from: string; to: string; sample: number },
): Promise<Logged[]> {
  const segments = await store.segmentsBetween(ctx, endpoint, from, to)
  if (segments.length === 0) return []
  const sampled = sample >= 1 ? '' : `and ('0x' || substr(md5(unit), 1, 8))::ubigint < ${sample * digestSpace}`
  const rows = await ctx.lake.query(
    `select * from read_parquet(${await pathsOf(ctx, segments)}) where "at" >= $1 and "at" < $2 ${sampled}`,
    [from, to],
  )
  return rows.map(toLogged)
}

/** How many predictions are on disk that may lie in [from, to): whole segments, so a little more. */
export async function countLogged(
  ctx: Context,
  { endpoint, from, to }: { endpoint: string; from: string; to: string },
): Promise<number> {
  const segments = await store.segmentsBetween(ctx, endpoint, from, to)
  return segments.reduce((sum, { row_count }) => sum + Number(row_count), 0)
}

export async function findLogged(ctx: Context, id: string): Promise<LoggedPrediction | undefined> {
  const { waiting, writing } = buffer(ctx)
  const recent = [...writing, ...waiting].find((logged) => logged.id === id && logged.arm !== 'shadow')
  const found = recent ?? (await findStored(ctx, id))
  if (!found) return undefined
  const label = await store.findLabel(ctx, found.endpoint, id)
  return { ...found, label: label?.value ?? null, labelKnownAt: label?.known_at ?? null }
}

async function findStored(ctx: Context, id: string): Promise<Logged | undefined> {
  const segments = await store.allSegments(ctx)
  if (segments.length === 0) return undefined
  const [row] = await ctx.lake.query(
    `select * from read_parquet(${await pathsOf(ctx, segments)}) where id = $1 and arm <> 'shadow' order by "at" desc limit 1`,
    [id],
  )
  return row && toLogged(row)
}

function toLogged(row: Record<string, unknown>): Logged {
  return {
    id: String(row['id']),
    endpoint: String(row['endpoint']),
    at: String(row['at']),
    unit: String(row['unit']),
    release: String(row['release']),
    version: Number(row['version']),
    arm: row['arm'] as Arm,
    inputs: JSON.parse(String(row['inputs'])) as Record<string, Value>,
    output: JSON.parse(String(row['output'])) as Value,
    bad: row['bad'] as Bad | null,
    latencyMs: Number(row['latencyMs']),
  }
}
