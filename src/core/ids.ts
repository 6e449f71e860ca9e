import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** A sortable identifier: 48 bits of time, 80 random bits, Crockford base 32 (the ULID layout, lower case). */
export function sortableId(at: Date, prefix: string): string {
  let time = at.getTime()
  let head = ''
  for (let i = 0; i < 10; i++) {
    head = `${alphabet[time % 32]}${head}`
    time = Math.floor(time / 32)
  }
  let tail = ''
  for (const byte of randomBytes(16)) tail += alphabet[byte % 32]
  return `${prefix}_${head}${tail}`
}
