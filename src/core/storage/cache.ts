import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { hasCode } from '../errors.ts'
import { corrupted } from './blobs.ts'
import type { Blob, Digest } from './digest.ts'
import { writeHashed } from './hashed-file.ts'

/** What was used within this time stays, so that a path that was just handed out still leads somewhere. */
const inUseMilliseconds = 10 * 60_000

/** Copies of what lies on a remote store, verified when they are made, the longest unused dropped first. */
export type BlobCache = {
  /** The path of a copy; undefined when there is none. */
  find(digest: Digest): Promise<string | undefined>
  /** Makes a verified copy and returns its path. */
  fetch(digest: Digest, open: () => Promise<Readable>): Promise<string>
  /** Writes bytes of a name that is not known yet; the file is to be handed to `keep`, or removed. */
  receive(bytes: Readable | Uint8Array): Promise<Blob & { path: string }>
  keep(path: string, digest: Digest): Promise<void>
  remove(digest: Digest): Promise<void>
}

export function blobCache(folder: string, limit: number): BlobCache {
  const drafts = join(folder, 'incoming')
  const fetching = new Map<Digest, Promise<string>>()

  const pathOf = (digest: Digest) => join(folder, digest.slice('sha256:'.length))

  async function find(digest: Digest): Promise<string | undefined> {
    const now = new Date()
    try {
      await utimes(pathOf(digest), now, now)
      return pathOf(digest)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  async function receive(bytes: Readable | Uint8Array): Promise<Blob & { path: string }> {
    await mkdir(drafts, { recursive: true })
    const path = join(drafts, randomUUID())
    try {
      return { ...(await writeHashed(path, bytes)), path }
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
  }

  async function keep(path: string, digest: Digest): Promise<void> {
    await rename(path, pathOf(digest))
    await trim()
  }

  async function trim(): Promise<void> {
    const copies: { path: string; size: number; usedAt: number }[] = []
    for (const name of await readdir(folder)) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue
      const { size, mtimeMs } = await stat(join(folder, name))
      copies.push({ path: join(folder, name), size, usedAt: mtimeMs })
    }
    let total = copies.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size, usedAt } of copies.sort((a, b) => a.usedAt - b.usedAt)) {
      if (total <= limit || usedAt > Date.now() - inUseMilliseconds) return
      await rm(path, { force: true })
      total -= size
    }
  }

  async function download(digest: Digest, open: () => Promise<Readable>): Promise<string> {
    const received = await receive(await open())
    if (received.digest !== digest) {
      await rm(received.path, { force: true })
      throw corrupted(digest)
    }
    await keep(received.path, digest)
    return pathOf(digest)
  }

  return {
    find,
    async fetch(digest, open) {
      const known = await find(digest)
      if (known !== undefined) return known
      const running = fetching.get(digest) ?? download(digest, open).finally(() => fetching.delete(digest))
      fetching.set(digest, running)
      return running
    },
    receive,
    keep,
    remove: (digest) => rm(pathOf(digest), { force: true }),
  }
}

const units: Record<string, number> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }

/** `10GB` in bytes; undefined when it is not a size. */
export function bytesOf(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?B)$/i.exec(text.trim())
  const unit = units[match?.[2]?.toUpperCase() ?? '']
  return match?.[1] === undefined || unit === undefined ? undefined : Math.floor(Number(match[1]) * unit)
}
