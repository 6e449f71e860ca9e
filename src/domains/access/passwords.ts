import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { type Context, liveValue } from '../../core/context.ts'
import { AppError, invalidInput } from '../../core/errors.ts'

/**
 * scrypt (RFC 7914) with N = 2^15, r = 8, p = 3: 32 MiB for each, one of the settings that the OWASP cheat sheet for
 * storing passwords gives as equal. The cost is stored beside the hash, so that it can grow.
 */
const cost = { N: 2 ** 15, r: 8, p: 3 }
const keyBytes = 32
const saltBytes = 16
/** So many are computed at once; more wait, and beyond that they are refused: each takes memory and a thread. */
const atOnce = 2
const maxWaiting = 20

const minLength = 12
const maxLength = 256

/** Refused with the reason, before anything is stored. */
export function checkPassword(password: string, name: string): void {
  const length = [...password].length
  const because =
    length < minLength
      ? `it has ${length} characters`
      : length > maxLength
        ? `it is longer than ${maxLength} characters`
        : new Set(password).size < 5
          ? 'it repeats a few characters'
          : password.toLowerCase().includes(name.toLowerCase()) && length < minLength + name.length
            ? 'it is little more than the name'
            : undefined
  if (because === undefined) return
  throw invalidInput(`The password cannot be taken: ${because}.`, {
    name: 'password',
    hint: `Take at least ${minLength} characters; four words are good.`,
  })
}

/** What is stored: the method, its cost, the salt and the hash. */
export async function hashPassword(ctx: Context, password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  const hash = await derive(ctx, password, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64'), hash.toString('base64')].join('$')
}

/** Takes as long where there is no such user, so that the time tells nobody who has an account. */
export async function passwordFits(ctx: Context, password: string, stored: string | null): Promise<boolean> {
  const [, N, r, p, salt = '', hash = ''] = (stored ?? '').split('$')
  const known = stored === null ? cost : { N: Number(N), r: Number(r), p: Number(p) }
  const wanted = stored === null ? Buffer.alloc(keyBytes) : Buffer.from(hash, 'base64')
  const found = await derive(
    ctx,
    password,
    stored === null ? randomBytes(saltBytes) : Buffer.from(salt, 'base64'),
    known,
  )
  return timingSafeEqual(found, wanted) && stored !== null
}

type Turns = { running: number; waiting: (() => void)[] }

async function derive(ctx: Context, password: string, salt: Buffer, { N, r, p }: typeof cost): Promise<Buffer> {
  const turns = liveValue(ctx, 'access.passwords', (): Turns => ({ running: 0, waiting: [] }))
  if (turns.running >= atOnce) {
    if (turns.waiting.length >= maxWaiting)
      throw new AppError('too_many_requests', 'Too many people sign in at this moment.', { retryAfterSeconds: 2 })
    await new Promise<void>((resolve) => turns.waiting.push(resolve))
  } else turns.running += 1
  try {
    return await new Promise((resolve, reject) =>
      // Unicode has several ways to write one text; keyboards differ in which they send (NIST SP 800-63B asks for this).
      scrypt(password.normalize('NFKC'), salt, keyBytes, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
        error ? reject(error) : resolve(key),
      ),
    )
  } finally {
    const next = turns.waiting.shift()
    if (next) next()
    else turns.running -= 1
  }
}
