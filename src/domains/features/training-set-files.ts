import { rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Context } from '../../core/context.ts'
import type { BytesReply, Input } from '../../core/contract.ts'
import { fromLake, literal } from '../../core/lake.ts'
import { scratchPath } from '../../core/scratch.ts'
import type { features } from './contract.ts'
import { requireTrainingSet } from './training-sets.ts'

type Operations = typeof features

export async function downloadTrainingSet(
  ctx: Context,
  input: Input<Operations['downloadTrainingSet']>,
): Promise<BytesReply> {
  const { trainingSet, format = 'csv' } = input
  const row = await requireTrainingSet(ctx, trainingSet)
  if (format === 'parquet') {
    const size = await ctx.blobs.size(row.digest)
    return {
      stream: await ctx.blobs.read(row.digest),
      size,
      contentType: 'application/vnd.apache.parquet',
      filename: `${trainingSet}.parquet`,
    }
  }
  return { ...(await csvOf(ctx, row.digest)), contentType: 'text/csv; charset=utf-8', filename: `${trainingSet}.csv` }
}

/** Written to a file first, since its size is part of the answer, and passed on from there; the file goes with the stream. */
async function csvOf(ctx: Context, digest: string): Promise<{ stream: Readable; size: number }> {
  const path = scratchPath(ctx, '.csv')
  const parquet = literal(await ctx.blobs.localPath(digest))
  try {
    const columns = await ctx.lake.query(`describe select * from read_parquet(${parquet})`)
    const timed = columns.some(
      (one) => one['column_name'] === 'time' && String(one['column_type']).startsWith('TIMESTAMP'),
    )
    const iso = timed ? ` replace (strftime("time", '%Y-%m-%dT%H:%M:%S.%gZ') as "time")` : ''
    await ctx.lake.run(`
      copy (select *${iso} from read_parquet(${parquet}))
      to ${literal(path)} (format csv, header true)`)
    const file = await open(path)
    const { size } = await file.stat()
    const stream = file.createReadStream()
    stream.once('close', () => rmSync(path, { force: true }))
    return { stream, size }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  }
}

/** Rows of a training set, evenly spread, as plain values with ISO times. */
export async function trainingRows(
  ctx: Context,
  trainingSet: string,
  sample?: number,
): Promise<Record<string, unknown>[]> {
  const row = await requireTrainingSet(ctx, trainingSet)
  const step = sample === undefined ? 1 : Math.max(1, Math.floor(row.row_count / sample))
  const path = literal(await ctx.blobs.localPath(row.digest))
  const rows = await ctx.lake.query(
    `select * from (select *, row_number() over () as _n from read_parquet(${path})) where _n % ${step} = 0`,
  )
  return rows.map((found) => Object.fromEntries(Object.entries(found).map(([name, value]) => [name, fromLake(value)])))
}
