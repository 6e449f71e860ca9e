import type { Readable } from 'node:stream'
import type { Context } from '../../core/context.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import { create } from './artifact-records.ts'
import { append } from './events.ts'
import * as store from './files-store.ts'
import { checkPath, foldersOf } from './rules.ts'

/** Names that may change hands over bytes that never change: a tree of files, as tracking clients see artifacts. */
export type StoredFile = { path: string; digest: string; size: number }

export async function putFile(ctx: Context, { path }: { path: string }, body: Readable): Promise<StoredFile> {
  checkPath(path)
  await refuseClash(ctx, path)
  return bindFile(ctx, { path, ...(await ctx.blobs.put(body)) })
}

/** Gives stored bytes a name in the tree; what had it before is replaced. */
export function bindFile(ctx: Context, { path, digest, size }: StoredFile): Promise<StoredFile> {
  checkPath(path)
  return transaction(ctx, async (ctx) => {
    await refuseClash(ctx, path)
    const folders = foldersOf(path)
    await store.saveFile(ctx, { path, parent: folders.at(-1) ?? '', digest, size, updated_at: ctx.now().toISOString() })
    for (const folder of folders) await store.saveFolder(ctx, folder, foldersOf(folder).at(-1) ?? '')
    return { path, digest, size }
  })
}

async function refuseClash(ctx: Context, path: string): Promise<void> {
  if (await store.findFolder(ctx, path)) throw invalidInput(`"${path}" is a folder.`, { name: path })
  const file = (await store.findFiles(ctx, foldersOf(path)))[0]
  if (file) throw invalidInput(`"${file.path}" is a file, not a folder.`, { name: file.path })
}

export async function getFile(ctx: Context, { path }: { path: string }): Promise<StoredFile> {
  checkPath(path)
  const [row] = await store.findFiles(ctx, [path])
  if (!row) throw notFound('File', path)
  return { path, digest: row.digest, size: row.size }
}

/** What lies directly in a folder, by name; "" is the top. A folder that is not there is empty. */
export async function listFolder(
  ctx: Context,
  { path }: { path: string },
): Promise<{ path: string; size: number | undefined }[]> {
  if (path !== '') checkPath(path)
  const folders = (await store.foldersIn(ctx, path)).map((folder) => ({ path: folder.path, size: undefined }))
  const files = (await store.filesIn(ctx, path)).map((file) => ({ path: file.path, size: Number(file.size) }))
  return [...folders, ...files].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Every file below a folder, or the file itself, by path. */
export async function filesBelow(ctx: Context, { path }: { path: string }): Promise<StoredFile[]> {
  checkPath(path)
  const found = await store.findFiles(ctx, [path])
  const waiting = [path]
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    found.push(...(await store.filesIn(ctx, folder)))
    waiting.push(...(await store.foldersIn(ctx, folder)).map((below) => below.path))
  }
  return found
    .map(({ path, digest, size }) => ({ path, digest, size: Number(size) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Removes the names; the bytes stay until nothing refers to them. Returns how many files went. */
export function deleteFiles(ctx: Context, { path }: { path: string }): Promise<number> {
  return transaction(ctx, async (ctx) => {
    const files = await filesBelow(ctx, { path })
    for (const file of files) await store.removeFile(ctx, file.path)
    const folders = [path]
    for (let at = 0; at < folders.length; at++) {
      const folder = folders[at] ?? ''
      folders.push(...(await store.foldersIn(ctx, folder)).map((below) => below.path))
      await store.removeFolder(ctx, folder)
    }
    if (files.length > 0) await append(ctx, 'artifacts.files_deleted', `files/${path}`, { files: files.length })
    return files.length
  })
}

/** Binds what a folder holds now into an immutable artifact; undefined when it holds nothing. */
export async function freeze(ctx: Context, { path }: { path: string }): Promise<string | undefined> {
  const files = await filesBelow(ctx, { path })
  if (files.length === 0) return undefined
  const relative = files.map((file) => ({
    ...file,
    path: file.path.slice(path.length + 1) || (path.split('/').at(-1) ?? ''),
  }))
  return (await create(ctx, { files: relative })).digest
}
