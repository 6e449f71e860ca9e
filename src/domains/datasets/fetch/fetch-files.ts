import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm, truncate } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import { scratchPath } from '../../../core/scratch.ts'
import { openTable, type Table } from '../../../core/tables/tables.ts'
import { transaction } from '../../../core/transaction.ts'
import type { Definition } from '../rules.ts'
import type { SourceFilesTable } from '../schema.ts'
import * as sources from '../store.ts'
import * as store from './fetch-store.ts'
import { type FoundFile, openPlace } from './places.ts'
import type { FoundRow, Progress } from './progress.ts'

type Files = Extract<NonNullable<Definition['from']>, { files: string }>

const batchRows = 2_000

/**
 * Reads the files of a place that are new, or have become longer, or are others under the same name. One that cannot be read is
 * told of and does not keep the others. Returns what is wrong with the place, or null.
 */
export async function fetchFiles(ctx: Context, { files }: Files, progress: Progress): Promise<string | null> {
  const place = await openPlace(ctx, files)
  try {
    const found = await place.list()
    const known = new Map((await store.listFiles(ctx, progress.source)).map((one) => [one.file, one]))
    const problems: string[] = []
    for (const file of found) {
      const before = known.get(file.name)
      const problem = before?.stamp === file.stamp ? before.problem : await fetchFile(ctx, file, before, progress)
      if (problem !== null) problems.push(problem)
    }
    const [first] = problems
    if (first === undefined) return null
    return problems.length === 1 ? first : `${first} (and ${problems.length - 1} more files)`
  } finally {
    place.close()
  }
}

async function fetchFile(
  ctx: Context,
  file: FoundFile,
  before: SourceFilesTable | undefined,
  progress: Progress,
): Promise<string | null> {
  if (file.size === 0) return null
  const path = scratchPath(ctx, `-${basename(file.name)}`)
  try {
    await file.copyTo(path)
    const whole = !file.young || (await cutLastLine(path))
    await readRows(ctx, { file, path, before, stamp: whole ? file.stamp : '' }, progress)
    return null
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid_file') throw error
    const problem = error.message.replace(/\.$/, '')
    const nothing = { source: progress.source, file: file.name, rows: 0, bytes: 0, digest: '' }
    const kept = before ?? nothing
    // A file that is still being written may be whole the next time.
    await transaction(ctx, (ctx) => store.saveFile(ctx, { ...kept, stamp: file.young ? '' : file.stamp, problem }))
    return problem
  } finally {
    await rm(path, { force: true })
  }
}

const newline = 10
const isPlainText = (path: string) => !/\.(gz|parquet)$/i.test(path)

/** A line without an end may not be whole yet: it is left for the next look. Returns whether there was none. */
async function cutLastLine(path: string): Promise<boolean> {
  if (!isPlainText(path)) return true
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const step = 64 * 1024
    for (let end = size; end > 0; end -= step) {
      const from = Math.max(0, end - step)
      const { buffer } = await file.read(Buffer.alloc(end - from), 0, end - from, from)
      const at = buffer.lastIndexOf(newline)
      if (at < 0) continue
      if (from + at + 1 === size) return true
      await truncate(path, from + at + 1)
      return false
    }
    await truncate(path, 0)
    return false
  } finally {
    await file.close()
  }
}

type Reading = { file: FoundFile; path: string; before: SourceFilesTable | undefined; stamp: string }

async function readRows(ctx: Context, { file, path, before, stamp }: Reading, progress: Progress): Promise<void> {
  const { source } = progress
  const { bytes, digest, same } = await lookAt(path, before)
  if (bytes === 0) return
  const skip = same ? Number(before?.rows ?? 0) : 0
  if (skip === 0) await progress.forget(file.name)
  const broken: { row: number; what: string }[] = []
  const table = await openTable(path, {
    shown: file.name,
    types: await typesOf(ctx, source),
    lenient: true,
    onBroken: (row, what) => broken.push({ row, what }),
  })
  const rows = numbered(table, broken, skip)
  let taken = skip
  const save = (stamp: string) => async (ctx: Context) => {
    await store.saveFile(ctx, { source, file: file.name, stamp, rows: taken, bytes, digest, problem: null })
    return null
  }
  for await (const batch of rows) {
    taken += batch.length
    await progress.add({ file: file.name, rows: batch }, save(''))
  }
  await progress.add({ file: file.name, rows: [], broken: newlyBroken(broken, before, skip) }, save(stamp))
}

/** Rows that were broken before are listed already: of a file that became longer, those behind its old end are new. */
function newlyBroken(broken: { row: number; what: string }[], before: SourceFilesTable | undefined, skip: number) {
  if (skip === 0 || before === undefined) return broken
  return broken.filter(({ row }, index) => row > skip + index)
}

/** All bytes with their digest, and whether they begin with those that were read before. */
async function lookAt(
  path: string,
  before: SourceFilesTable | undefined,
): Promise<{ bytes: number; digest: string; same: boolean }> {
  const [all, start] = [createHash('sha256'), createHash('sha256')]
  const wanted = Number(before?.bytes ?? 0)
  let bytes = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    all.update(chunk)
    if (bytes < wanted) start.update(chunk.subarray(0, wanted - bytes))
    bytes += chunk.length
  }
  const same = wanted > 0 && bytes >= wanted && start.digest('hex') === before?.digest
  // Another end of a Parquet or gzipped file is another file, unless it is the very same.
  return { bytes, digest: all.digest('hex'), same: same && (isPlainText(path) || bytes === wanted) }
}

async function typesOf(ctx: Context, source: string) {
  const columns = await sources.findColumns(ctx, source)
  return new Map(
    Object.entries(columns).map(([name, type]) => [name, type === 'big_integer' ? 'integer' : type] as const),
  )
}

/** Rows behind the first `skip`, each with its number in the file: broken ones, which the table leaves out, are counted too. */
async function* numbered(table: Table, broken: readonly { row: number }[], skip: number): AsyncGenerator<FoundRow[]> {
  const order = broken.map(({ row }) => row)
  let [seen, passed] = [0, 0]
  let batch: FoundRow[] = []
  for await (const rows of table.read()) {
    for (const row of rows) {
      seen += 1
      while (passed < order.length && (order[passed] ?? 0) <= seen + passed) passed += 1
      if (seen <= skip) continue
      batch.push({ number: seen + passed, row })
      if (batch.length < batchRows) continue
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
