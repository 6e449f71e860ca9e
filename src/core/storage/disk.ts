import { randomUUID } from 'node:crypto'
import { createReadStream, type ReadStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { digestOf } from '../json/json.ts'
import { type Blobs, corrupted, expectDigest } from './blobs.ts'
import type { Blob, Digest } from './digest.ts'
import { digestFolder } from './digest-folder.ts'
import { diskDrafts } from './drafts.ts'
import { hashOf, writeHashed } from './hashed-file.ts'

/** Content-addressed bytes in a folder of this machine. */
export function diskBlobs(folder: string): Blobs {
  const files = digestFolder(join(folder, 'blobs'))
  const temporary = join(folder, 'tmp')
  /** What was verified, as it was then: size and time of change. */
  const verified = new Map<Digest, string>()

  async function verify(digest: Digest): Promise<boolean> {
    await files.existing(digest)
    return (await hashOf(createReadStream(files.pathOf(digest)))) === digest
  }

  async function put(bytes: Readable | Uint8Array, expected?: Digest): Promise<Blob> {
    await mkdir(temporary, { recursive: true })
    const draft = join(temporary, randomUUID())
    try {
      const { digest, size } = await writeHashed(draft, bytes)
      expectDigest(digest, expected)
      const target = files.pathOf(digest)
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
    has: async (digest) => (await files.find(digest)) !== undefined,
    size: async (digest) => (await files.existing(digest)).size,
    async read(digest, range): Promise<ReadStream> {
      await files.existing(digest)
      return createReadStream(files.pathOf(digest), range)
    },
    async readVerified(digest) {
      await files.existing(digest)
      const file = await open(files.pathOf(digest))
      try {
        const bytes = await file.readFile()
        if (digestOf(bytes) !== digest) throw corrupted(digest)
        return bytes
      } finally {
        await file.close()
      }
    },
    async localPath(digest) {
      const { size, mtimeMs } = await files.existing(digest)
      const state = `${size} ${mtimeMs}`
      if (verified.get(digest) !== state) {
        if (!(await verify(digest))) throw corrupted(digest)
        verified.set(digest, state)
      }
      return files.pathOf(digest)
    },
    verify,
    async remove(digest) {
      await rm(files.pathOf(digest), { force: true })
      verified.delete(digest)
    },
    list: files.list,
    drafts: diskDrafts(join(temporary, 'drafts'), put),
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
