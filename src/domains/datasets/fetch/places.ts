import { constants } from 'node:fs'
import { copyFile, glob, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Context } from '../../../core/context.ts'
import { minute } from '../../../core/duration.ts'
import { checkDestination } from '../../../core/egress/egress.ts'
import { AppError, hasCode } from '../../../core/errors.ts'
import { openS3Folder } from '../../../core/storage/storage.ts'

/** A file at a place: `stamp` changes when its bytes do. */
export type FoundFile = {
  name: string
  stamp: string
  size: number
  /** Somebody may still be writing its last line. */
  young: boolean
  copyTo(path: string): Promise<void>
}

export type Place = { list(): Promise<FoundFile[]>; close(): void }

const tables = /\.(csv|tsv|jsonl|ndjson)(\.gz)?$|\.parquet$/i
const youngMilliseconds = minute

/** The files of tables at a place, in the order of their names; other files are none of ours. */
export async function openPlace(ctx: Context, files: string): Promise<Place> {
  return files.startsWith('s3://')
    ? openBucketPlace(ctx, files)
    : { list: () => listLocal(ctx, files), close: () => undefined }
}

async function openBucketPlace(ctx: Context, url: string): Promise<Place> {
  const endpoint = URL.canParse(url) ? new URL(url).searchParams.get('endpoint') : null
  if (endpoint !== null) checkDestination(ctx, endpoint)
  const folder = await openS3Folder(url)
  return {
    async list() {
      const found: FoundFile[] = []
      for await (const { key, size, stamp } of folder.list())
        if (tables.test(key))
          found.push({ name: key, stamp, size, young: false, copyTo: (path) => folder.download(key, path) })
      return found
    },
    close: folder.close,
  }
}

async function listLocal(ctx: Context, files: string): Promise<FoundFile[]> {
  const isPattern = /[*?[{]/.test(files)
  const path = resolve(ctx.root, files)
  const facts = isPattern ? undefined : await factsOf(path)
  if (!isPattern && facts === undefined)
    throw new AppError('not_found', `"${files}" is not there.`, { name: files, hint: `It is looked for as ${path}.` })
  if (facts?.isFile()) return [fileOf(files, path, facts)]
  const found: FoundFile[] = []
  for await (const name of glob(isPattern ? files : join(files, '**/*'), { cwd: ctx.root })) {
    const path = resolve(ctx.root, name)
    const facts = tables.test(name) ? await factsOf(path) : undefined
    if (facts?.isFile()) found.push(fileOf(name, path, facts))
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

type Facts = NonNullable<Awaited<ReturnType<typeof factsOf>>>

async function factsOf(path: string) {
  return stat(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  })
}

function fileOf(name: string, path: string, { size, mtimeMs }: Facts): FoundFile {
  return {
    name,
    stamp: `${size}/${mtimeMs}`,
    size,
    young: Date.now() - mtimeMs < youngMilliseconds,
    // A copy stands still while it is read twice, and costs nothing where the file system shares blocks.
    copyTo: (to) => copyFile(path, to, constants.COPYFILE_FICLONE),
  }
}
