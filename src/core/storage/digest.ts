import { invalidInput } from '../errors.ts'

/** Bytes named by what they are: `sha256:<64 hex digits>`. */
export type Digest = string

export type Blob = { digest: Digest; size: number }

export const digestPattern = /^sha256:[0-9a-f]{64}$/

export function assertDigest(digest: string): Digest {
  if (!digestPattern.test(digest)) {
    throw invalidInput(`"${digest}" is not a digest.`, {
      name: digest,
      hint: 'A digest is "sha256:" and 64 hex digits.',
    })
  }
  return digest
}
