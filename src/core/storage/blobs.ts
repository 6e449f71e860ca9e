import { randomUUID } from 'node:crypto'
import { createReadStream, type ReadStream, type Stats } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { AppError, hasCode } from '../errors.ts'
import { assertDigest, type Blob, type Digest, digestOf } from './digest.ts'
import { type Drafts, diskDrafts } from './drafts.ts'
import { hashOf, writeHashed } from './hashed-file.ts'

export type Range = { start: number; end: number }

/** Content-addressed bytes. An interface because two makers exist: a folder, and any S3-compatible store. */
export type Blobs = {
  /** Streams to a temporary file while hashing; the name appears only when all bytes are on disk. */
  put(bytes: Readable | Uint8Array, expected?: Digest): Promise<Blob>
  has(digest: Digest): Promise<boolean>
  size(digest: Digest): Promise<number>
  /** A stream of the bytes, or of one inclusive range of them. */
  read(digest: Digest, range?: Range): Promise<Readable>
  /** All bytes, verified against the digest. */
  readVerified(digest: Digest): Promise<Buffer>
  /** A path that other programs of this machine may read, verified once. */
  localPath(digest: Digest): Promise<string>
  /** Re-hashes; false when the bytes are not what they are named by. */
  verify(digest: Digest): Promise<boolean>
  remove(digest: Digest): Promise<void>
  /** `storedAt`: when these bytes were last put, also when they were there already. */
  list(): AsyncIterable<Blob & { storedAt: Date }>
  /** Bytes that arrive in parts, over days if need be. */
  drafts: Drafts
  /** A link that gives the bytes to whoever holds it; undefined when the store cannot do that and the server has to. */
  downloadUrl?(digest: Digest, options: { seconds: number; filename: string; contentType: string }): Promise<string>
  close?(): void
}

export function diskBlobs(folder: string): Blobs {
  const root = join(folder, 'blobs')
  const temporary = join(folder, 'tmp')
  /** What was verified, as it was then: size and time of change. */
  const verified = new Map<Digest, string>()

  function pathOf(digest: Digest): string {
    const hex = assertDigest(digest).slice('sha256:'.length)
    return join(root, hex.slice(0, 2), hex)
  }

  async function factsOf(digest: Digest): Promise<Stats | undefined> {
    try {
      return await stat(pathOf(digest))
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  async function existing(digest: Digest): Promise<Stats> {
    const facts = await factsOf(digest)
    if (!facts) throw noSuchBytes(digest)
    return facts
  }

  async function verify(digest: Digest): Promise<boolean> {
    await existing(digest)
    return (await hashOf(createReadStream(pathOf(digest)))) === digest
  }

  async function put(bytes: Readable | Uint8Array, expected?: Digest): Promise<Blob> {
    await mkdir(temporary, { recursive: true })
    const draft = join(temporary, randomUUID())
    try {
      const { digest, size } = await writeHashed(draft, bytes)
      expectDigest(digest, expected)
      const target = pathOf(digest)
      await mkdir(dirname(target), { recursive: true })
      await rename(draft, target)
      await syncFolder(dirname(target))
      return { digest, size }
    } finally {
      await rm(draft, { force: true })
    }
  }

  return {
    put,
    has: async (digest) => (await factsOf(digest)) !== undefined,
    size: async (digest) => (await existing(digest)).size,
    async read(digest, range): Promise<ReadStream> {
      await existing(digest)
      return createReadStream(pathOf(digest), range)
    },
    async readVerified(digest) {
      await existing(digest)
      const file = await open(pathOf(digest))
      try {
        const bytes = await file.readFile()
        if (digestOf(bytes) !== digest) throw corrupted(digest)
        return bytes
      } finally {
        await file.close()
      }
    },
    async localPath(digest) {
      const { size, mtimeMs } = await existing(digest)
      const state = `${size} ${mtimeMs}`
      if (verified.get(digest) !== state) {
        if (!(await verify(digest))) throw corrupted(digest)
        verified.set(digest, state)
      }
      return pathOf(digest)
    },
    verify,
    async remove(digest) {
      await rm(pathOf(digest), { force: true })
      verified.delete(digest)
    },
    async *list() {
      for (const prefix of await readdir(root).catch(ignoreMissing)) {
        for (const hex of await readdir(join(root, prefix))) {
          const digest = `sha256:${hex}`
          const { size, mtime } = await existing(digest)
          yield { digest, size, storedAt: mtime }
        }
      }
    },
    drafts: diskDrafts(join(temporary, 'drafts'), put),
  }
}

function ignoreMissing(error: unknown): string[] {
  if (hasCode(error, 'ENOENT')) return []
  throw error
}

export function expectDigest(digest: Digest, expected: Digest | undefined): void {
  if (expected === undefined || expected === digest) return
  throw new AppError('digest_mismatch', `The bytes are "${digest}", not "${expected}".`, { name: expected })
}

export function noSuchBytes(digest: Digest): AppError {
  return new AppError('not_found', `No bytes with the digest "${digest}".`, { name: digest })
}

export function corrupted(digest: Digest): AppError {
  return new AppError('digest_mismatch', `The stored bytes of "${digest}" are damaged.`, {
    name: digest,
    hint: 'Run "keel fsck", then restore the artifact from a backup or register it again.',
  })
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
