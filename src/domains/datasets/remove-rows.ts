import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { afterCommit, type Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { conflict, invalidInput } from '../../core/errors.ts'
import { parseExactJson } from '../../core/json/json.ts'
import { fromLake, identifier, literal } from '../../core/lake.ts'
import { scratchPath } from '../../core/scratch.ts'
import { unfitText } from '../../core/tables/tables.ts'
import { transaction } from '../../core/transaction.ts'
import type { datasets } from './contract.ts'
import { append as appendEvent } from './events.ts'
import { forget, unreadableReason, withSource } from './readable.ts'
import { columnNames } from './relation.ts'
import { recordRemoval } from './removals-store.ts'
import { requireSource } from './required-source.ts'
import { type Definition, declaredColumns } from './rules.ts'
import type { SourceSegmentsTable } from './schema.ts'
import { tellRemoval } from './sources.ts'
import * as store from './store.ts'

type Operations = typeof datasets

type SegmentChange = { segment: SourceSegmentsTable; digest: string; removed: number }

/** Takes rows out of the newest ones and out of segments: new files first, then one transaction that swaps them in. */
export async function removeRows(
  ctx: Context,
  { source, rows, reason }: Input<Operations['removeRows']>,
): Promise<Output<Operations['removeRows']>> {
  await requireSource(ctx, source)
  const numbers = [...new Set(rows)].sort((a, b) => a - b)
  const rewritten: SegmentChange[] = []
  const segments = await store.listSegments(ctx, source, Number.MAX_SAFE_INTEGER)
  for (const segment of segments) {
    const inside = numbers.filter((seq) => seq >= segment.from_seq && seq <= segment.to_seq)
    if (inside.length > 0) rewritten.push(await without(ctx, segment, inside))
  }
  const held = await columnsIn(ctx, segments)
  const columns = await transaction(ctx, async (ctx) => {
    const row = await requireSource(ctx, source)
    if ((await store.listSegments(ctx, source, Number.MAX_SAFE_INTEGER)).length !== segments.length)
      throw changed(source)
    for (const { segment, digest } of rewritten) {
      if (await store.replaceSegment(ctx, segment, digest)) continue
      throw changed(source)
    }
    const newest = await store.deleteRows(ctx, source, numbers)
    const removed = rewritten.reduce((sum, one) => sum + one.removed, newest)
    if (removed !== numbers.length)
      throw invalidInput(`Of ${numbers.length} rows, ${removed} are in "${source}". Nothing was removed.`, {
        name: source,
        hint: `"keel data check ${source}" has the numbers of bad rows.`,
      })
    const columns = await unheldColumns(ctx, row.definition, held)
    await store.deleteColumns(ctx, source, columns)
    await store.saveSource(ctx, {
      ...row,
      removed: row.removed + removed,
      updated_at: ctx.now().toISOString(),
    })
    await recordRemoval(ctx, { source, first_seq: numbers[0] ?? 0, at: ctx.now().toISOString() })
    await appendEvent(ctx, 'datasets.rows_removed', `source/${source}`, { rows: numbers, reason })
    return columns
  })
  forget(ctx, source)
  await correctSpan(ctx, source)
  afterCommit(ctx, () => tellRemoval(ctx, source))
  return { removed: numbers.length, columns }
}

async function without(ctx: Context, segment: SourceSegmentsTable, numbers: number[]): Promise<SegmentChange> {
  const file = `read_parquet(${literal(await ctx.blobs.localPath(segment.digest))})`
  const listed = `_seq in (${numbers.join(', ')})`
  const [found] = await ctx.lake.query(`select count(*) as n from ${file} where ${listed}`)
  const path = scratchPath(ctx, '.parquet')
  try {
    await ctx.lake.writeParquet(path, `select * from ${file} where not ${listed} order by _seq`)
    const { digest } = await ctx.blobs.put(createReadStream(path))
    return { segment, digest, removed: Number(found?.['n'] ?? 0) }
  } finally {
    await rm(path, { force: true })
  }
}

function changed(source: string) {
  return conflict(`The rows of "${source}" were moved in between. Nothing was removed.`, {
    name: source,
    hint: 'Ask again.',
  })
}

async function columnsIn(ctx: Context, segments: SourceSegmentsTable[]): Promise<string[]> {
  const held = new Set<string>()
  for (const { digest } of segments) {
    const file = `read_parquet(${literal(await ctx.blobs.localPath(digest))})`
    for (const name of await columnNames(ctx.lake, file)) held.add(name)
  }
  return [...held]
}

/** Columns whose very name was wrong, once no row holds them any more. */
async function unheldColumns(ctx: Context, definition: Definition, inSegments: string[]): Promise<string[]> {
  const { source } = definition
  const held = new Set([...Object.keys(declaredColumns(definition)), ...inSegments])
  for (const { content } of await store.tailRows(ctx, source, 0, Number.MAX_SAFE_INTEGER))
    for (const name of Object.keys(parseExactJson(content) as object)) held.add(name.toWellFormed())
  const columns = Object.keys(await store.findColumns(ctx, source))
  const plain = columns.map((name) => name.toLowerCase())
  const isWrong = (name: string) =>
    unfitText(name) !== undefined ||
    name.startsWith('_') ||
    name.includes('\uFFFD') ||
    plain.filter((other) => other === name.toLowerCase()).length > 1
  return columns.filter((name) => isWrong(name) && !held.has(name))
}

/** The first and last time of what is left, where it can be read now. */
async function correctSpan(ctx: Context, source: string): Promise<void> {
  const { definition } = await requireSource(ctx, source)
  const { time } = definition
  if (time === undefined || (await unreadableReason(ctx, source)) !== null) return
  const column = identifier(time)
  const [found] = await withSource(ctx, { source }, (lake, table) =>
    lake.query(`select min(${column}) as first, max(${column}) as last from ${table}`),
  )
  await transaction(ctx, async (ctx) => {
    const row = await requireSource(ctx, source)
    const [first_time, last_time] = [fromLake(found?.['first']), fromLake(found?.['last'])]
    await store.saveSource(ctx, {
      ...row,
      first_time: typeof first_time === 'string' ? first_time : null,
      last_time: typeof last_time === 'string' ? last_time : null,
    })
  })
}
