import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Blob, Digest } from './blobs.ts'

export async function hashOf(stream: Readable): Promise<Digest> {
  const hash = createHash('sha256')
  await pipeline(stream, hash)
  return `sha256:${hash.digest('hex')}`
}

/** Writes a new file, on disk when it resolves, and names what it holds. */
export async function writeHashed(path: string, bytes: Readable | Uint8Array): Promise<Blob> {
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
