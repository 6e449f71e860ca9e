import { createHash } from 'node:crypto'

/** Names bytes by what they are: `sha256:<64 hex digits>`. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
