import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../errors.ts'
import type { Blob, Digest } from './digest.ts'

export async function hashOf(stream: Readable): Promise<Digest> {
  const hash = createHash('sha256')
  await pipeline(stream, hash)
  return `sha256:${hash.digest('hex')}`
}

/**
 * Hands bytes on while hashing them, the last piece only when all of them are what they are named by: damaged bytes
 * never arrive complete.
 */
export function verifying(stream: Readable, digest: Digest): Readable {
  const hash = createHash('sha256')
  let held: Buffer | undefined
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      const ready = held
      held = chunk
      if (ready) done(null, ready)
      else done()
    },
    flush(done) {
      if (`sha256:${hash.digest('hex')}` === digest) done(null, held)
      else done(new AppError('digest_mismatch', `The stored bytes of "${digest}" are damaged.`, { name: digest }))
    },
  })
  return stream
    .on('error', (error) => check.destroy(error))
    .pipe(check)
    .once('close', () => stream.destroy())
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
