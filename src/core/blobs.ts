import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, type ReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError, invalidInput } from './errors.ts'

/** Bytes named by what they are: `sha256:<64 hex digits>`. */
export type Digest = string

export type Blob = { digest: Digest; size: number }

/** Content-addressed bytes. An interface because two makers exist: a folder, and any S3-compatible store. */
export type Blobs = {
  /** Streams to a temporary file while hashing; the name appears only when all bytes are on disk. */
  put(bytes: Readable | Uint8Array, expected?: Digest): Promise<Blob>
  has(digest: Digest): Promise<boolean>
  size(digest: Digest): Promise<number>
  /** A stream of the bytes, or of one inclusive range of them. */
  read(digest: Digest, range?: { start: number; end: number }): Promise<Readable>
  /** All bytes, verified against the digest. */
  readVerified(digest: Digest): Promise<Buffer>
  /** A path that other programs of this machine may read, verified once. */
  localPath(digest: Digest): Promise<string>
  /** Re-hashes; false when the bytes are not what they are named by. */
  verify(digest: Digest): Promise<boolean>
  remove(digest: Digest): Promise<void>
  list(): AsyncIterable<Blob>
}

const digestPattern = /^sha256:[0-9a-f]{64}$/

export function assertDigest(digest: string): Digest {
  if (!digestPattern.test(digest)) {
    throw invalidInput(`"${digest}" is not a digest.`, {
      name: digest,
      hint: 'A digest is "sha256:" and 64 hex digits.',
    })
  }
  return digest
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export function diskBlobs(folder: string): Blobs {
  const root = join(folder, 'blobs')
  const temporary = join(folder, 'tmp')

  function pathOf(digest: Digest): string {
    const hex = assertDigest(digest).slice('sha256:'.length)
    return join(root, hex.slice(0, 2), hex)
  }

  async function sizeOf(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(pathOf(digest))).size
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    }
  }

  async function existing(digest: Digest): Promise<number> {
    const size = await sizeOf(digest)
    if (size === undefined) throw new AppError('not_found', `No bytes with the digest "${digest}".`, { name: digest })
    return size
  }

  async function hashFile(digest: Digest): Promise<Digest> {
    const hash = createHash('sha256')
    await pipeline(createReadStream(pathOf(digest)), hash)
    return `sha256:${hash.digest('hex')}`
  }

  async function verify(digest: Digest): Promise<boolean> {
    await existing(digest)
    return (await hashFile(digest)) === digest
  }

  return {
    async put(bytes, expected) {
      await mkdir(temporary, { recursive: true })
      const draft = join(temporary, randomUUID())
      try {
        const { digest, size } = await writeHashed(draft, bytes)
        if (expected !== undefined && expected !== digest) {
          throw new AppError('digest_mismatch', `The bytes are "${digest}", not "${expected}".`, { name: expected })
        }
        const target = pathOf(digest)
        await mkdir(dirname(target), { recursive: true })
        await rename(draft, target)
        await syncFolder(dirname(target))
        return { digest, size }
      } finally {
        await rm(draft, { force: true })
      }
    },
    has: async (digest) => (await sizeOf(digest)) !== undefined,
    size: existing,
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
      if (!(await verify(digest))) throw corrupted(digest)
      return pathOf(digest)
    },
    verify,
    remove: (digest) => rm(pathOf(digest), { force: true }),
    async *list() {
      for (const prefix of await readdir(root).catch(ignoreMissing)) {
        for (const hex of await readdir(join(root, prefix))) {
          const digest = `sha256:${hex}`
          yield { digest, size: await existing(digest) }
        }
      }
    },
  }
}

function ignoreMissing(error: unknown): string[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
  throw error
}

function corrupted(digest: Digest): AppError {
  return new AppError('digest_mismatch', `The stored bytes of "${digest}" are damaged.`, {
    name: digest,
    hint: 'Run "keel doctor", then restore the artifact from a backup or register it again.',
  })
}

async function writeHashed(path: string, bytes: Readable | Uint8Array): Promise<Blob> {
  const hash = createHash('sha256')
  let size = 0
  const file = await open(path, 'wx', 0o444)
  try {
    if (bytes instanceof Uint8Array) {
      hash.update(bytes)
      size = bytes.byteLength
      await file.writeFile(bytes)
    } else {
      for await (const chunk of bytes as AsyncIterable<Buffer>) {
        hash.update(chunk)
        size += chunk.length
        await file.writeFile(chunk)
      }
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return { digest: `sha256:${hash.digest('hex')}`, size }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
