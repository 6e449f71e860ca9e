import { copyFile, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Context, liveValue } from '../../../core/context.ts'
import { scratchPath } from '../../../core/scratch.ts'
import * as artifacts from '../../artifacts/artifacts.ts'

export type Prepare = (folder: string) => Promise<void>

type ModelFolder = { folder: string; written: Promise<void>; readers: number }

const foldersByDigest = (ctx: Context) => liveValue(ctx, 'registry.held_files', () => new Map<string, ModelFolder>())

/** A folder with the verified files of an artifact, for processes to read; removed when the last reader releases it. */
export async function openModelFolder(
  ctx: Context,
  digest: string,
  prepare?: Prepare,
): Promise<{ folder: string; release(): Promise<void> }> {
  const all = foldersByDigest(ctx)
  const key = prepare === undefined ? digest : `${digest} ${prepare.name}`
  const held = all.get(key) ?? begin(ctx, digest, prepare)
  all.set(key, held)
  held.readers += 1

  async function release(): Promise<void> {
    held.readers -= 1
    if (held.readers > 0) return
    if (all.get(key) === held) all.delete(key)
    await rm(held.folder, { recursive: true, force: true })
  }

  try {
    await held.written
  } catch (error) {
    await release()
    throw error
  }
  return { folder: held.folder, release }
}

function begin(ctx: Context, digest: string, prepare: Prepare | undefined): ModelFolder {
  const folder = scratchPath(ctx)
  const written = write(ctx, digest, folder).then(() => prepare?.(folder))
  return { folder, written, readers: 0 }
}

async function write(ctx: Context, digest: string, folder: string): Promise<void> {
  const { files } = await artifacts.get(ctx, { digest })
  for (const { path, digest: file } of files) {
    const to = join(folder, path)
    await mkdir(dirname(to), { recursive: true })
    await copyFile(await ctx.blobs.localPath(file), to)
  }
}
