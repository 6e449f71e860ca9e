import { createReadStream } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize, relative, sep } from 'node:path'
import type { Context } from '../../core/context.ts'
import { invalidInput } from '../../core/errors.ts'
import * as artifacts from '../artifacts/artifacts.ts'

/** What a manifest of files does not say: modes, links and folders, in the order of their paths. */
export type TreeEntry =
  | { path: string; kind: 'file' | 'folder'; mode: number }
  | { path: string; kind: 'link'; target: string }

export type StoredOutput = { output: string | null; tree: TreeEntry[] }

type Options = { step: string; cached: boolean }

/**
 * All files of the output folder as one artifact, and the tree around them; an empty folder has none. What could not be
 * given back from the cache as it is now is refused by name, so that the first run shows what the second would.
 */
export async function storeOutput(ctx: Context, out: string, { step, cached }: Options): Promise<StoredOutput> {
  const files = []
  const tree: TreeEntry[] = []
  for (const path of await pathsIn(out)) {
    const full = join(out, path)
    const found = await lstat(full)
    const mode = found.mode & 0o7777
    if (found.isSymbolicLink()) {
      const target = await readlink(full)
      if (cached && leadsOut(path, target))
        throw refusal(step, path, `is a link to "${target}", outside of the output; make it a relative one within`)
      tree.push({ path, kind: 'link', target })
    } else if (found.isDirectory()) tree.push({ path, kind: 'folder', mode })
    else if (found.isFile()) {
      const { digest, size } = await ctx.blobs.put(createReadStream(full))
      files.push({ path, digest, size })
      tree.push({ path, kind: 'file', mode })
    } else if (cached) throw refusal(step, path, 'is neither a file nor a folder nor a link')
  }
  const output = files.length === 0 ? null : (await artifacts.create(ctx, { files })).digest
  return { output, tree }
}

function refusal(step: string, path: string, why: string) {
  return invalidInput(`The output "${path}" of the step "${step}" ${why}. It cannot be kept for later runs.`, {
    name: path,
    hint: 'Write something else to KEEL_OUT, or give the step "cache: false".',
  })
}

function leadsOut(path: string, target: string): boolean {
  if (isAbsolute(target)) return true
  const reached = normalize(join(dirname(path), target))
  return reached === '..' || reached.startsWith(`..${sep}`)
}

async function pathsIn(out: string): Promise<string[]> {
  const entries = await readdir(out, { recursive: true, withFileTypes: true })
  return entries.map((entry) => relative(out, join(entry.parentPath, entry.name)).split(sep).join('/')).sort()
}

/** The output as it was: bytes, modes, links and empty folders. False when bytes of it are gone. */
export async function restoreOutput(ctx: Context, out: string, stored: { output: string; tree: TreeEntry[] }) {
  const { files } = await artifacts.get(ctx, { digest: stored.output })
  for (const { digest } of files) if (!(await ctx.blobs.has(digest))) return false
  const digests = new Map(files.map(({ path, digest }) => [path, digest]))
  await rm(out, { recursive: true, force: true })
  await mkdir(out, { recursive: true })
  for (const entry of stored.tree) {
    const target = join(out, entry.path)
    if (entry.kind === 'folder') await mkdir(target, { recursive: true })
    else if (entry.kind === 'link') await symlink(entry.target, target)
    else {
      const digest = digests.get(entry.path)
      if (digest === undefined) return false
      await copyFile(await ctx.blobs.localPath(digest), target)
      await chmod(target, entry.mode)
    }
  }
  // A folder that may not be written gets its mode when it is full; the innermost first.
  for (const entry of stored.tree.toReversed())
    if (entry.kind === 'folder') await chmod(join(out, entry.path), entry.mode)
  return true
}
