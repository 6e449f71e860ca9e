import { existsSync } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Context } from '../../../core/context.ts'
import * as artifacts from '../../artifacts/artifacts.ts'

/** The files of an artifact in a folder that a process can read; verified bytes, written once. */
export async function materialize(ctx: Context, digest: string): Promise<string> {
  const folder = join(ctx.folder, 'serving', digest.replace(/^sha256:/, ''))
  if (existsSync(folder)) return folder
  const draft = join(ctx.folder, 'tmp', ctx.id('files'))
  try {
    const { files } = await artifacts.get(ctx, { digest })
    for (const { path, digest: file } of files) {
      const to = join(draft, path)
      await mkdir(dirname(to), { recursive: true })
      await copyFile(await ctx.blobs.localPath(file), to)
    }
    await mkdir(dirname(folder), { recursive: true })
    await rename(draft, folder).catch((error: unknown) => {
      // Somebody else was quicker, with the same bytes.
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return folder
}
