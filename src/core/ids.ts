import { randomFillSync } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const digits = 16

/** Random bytes are asked for in bulk: every request has an id, and asking the system for each costs more than the rest of it. */
const pool = Buffer.alloc(digits * 512)
let used = pool.length

/** A sortable identifier: 48 bits of time, 80 random bits, Crockford base 32 (the ULID layout, lower case). */
export function sortableId(at: Date, prefix: string): string {
  let time = at.getTime()
  let head = ''
  for (let i = 0; i < 10; i++) {
    head = `${alphabet[time % 32]}${head}`
    time = Math.floor(time / 32)
  }
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  let tail = ''
  for (let i = 0; i < digits; i++) tail += alphabet[(pool[used + i] ?? 0) % 32]
  used += digits
  return `${prefix}_${head}${tail}`
}
