import { createHash, randomBytes } from 'node:crypto'

/** 192 random bits as text; what is before the underscore says what it is, also to scanners for secrets in code. */
export function newSecret(kind: 'keel' | 'join' | 'session' | 'local'): string {
  return `${kind}_${randomBytes(24).toString('base64url')}`
}

/** What is stored of it. It is random, so one round of a hash is enough. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
