import type { Readable } from 'node:stream'
import { AppError } from '../errors.ts'
import type { Blob, Digest } from './digest.ts'
import type { Drafts } from './drafts.ts'

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
