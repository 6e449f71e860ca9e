import type { Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../errors.ts'
import { noSuchBytes } from './blobs.ts'
import { assertDigest, type Blob, type Digest } from './digest.ts'

/** Where files lie that are named by the digest of their bytes, and which there are. */
type DigestFolder = {
  pathOf(digest: Digest): string
  find(digest: Digest): Promise<Stats | undefined>
  /** Refuses a digest whose bytes are not there. */
  existing(digest: Digest): Promise<Stats>
  list(): AsyncIterable<Blob & { storedAt: Date }>
}

export function digestFolder(root: string): DigestFolder {
  function pathOf(digest: Digest): string {
    const hex = assertDigest(digest).slice('sha256:'.length)
    return join(root, hex.slice(0, 2), hex)
  }

  async function find(digest: Digest): Promise<Stats | undefined> {
    try {
      return await stat(pathOf(digest))
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  async function existing(digest: Digest): Promise<Stats> {
    const facts = await find(digest)
    if (!facts) throw noSuchBytes(digest)
    return facts
  }

  async function* list(): AsyncIterable<Blob & { storedAt: Date }> {
    for (const prefix of await readdir(root).catch(ignoreMissing)) {
      for (const hex of await readdir(join(root, prefix))) {
        const digest = `sha256:${hex}`
        const { size, mtime } = await existing(digest)
        yield { digest, size, storedAt: mtime }
      }
    }
  }

  return { pathOf, find, existing, list }
}

function ignoreMissing(error: unknown): string[] {
  if (hasCode(error, 'ENOENT')) return []
  throw error
}
