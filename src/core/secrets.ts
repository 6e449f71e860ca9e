import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Context, liveValue } from './context.ts'
import { AppError, hasCode } from './errors.ts'

const nonceBytes = 12
const tagBytes = 16

/**
 * The key of this installation: the setting `secretKey`, or 32 random bytes in `secret.key` beside the data, readable by
 * its owner only. A copy of the database alone opens no secret. Several servers on one database share it by the setting.
 */
function masterKey(ctx: Context): Buffer {
  return liveValue(ctx, 'core.secret_key', () => {
    if (ctx.config.secretKey !== '') return createHash('sha256').update(ctx.config.secretKey).digest()
    const path = join(ctx.folder, 'secret.key')
    mkdirSync(ctx.folder, { recursive: true })
    try {
      const fresh = randomBytes(32)
      writeFileSync(path, `${fresh.toString('base64')}\n`, { flag: 'wx', mode: 0o600 })
      return fresh
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
      return Buffer.from(readFileSync(path, 'utf8'), 'base64')
    }
  })
}

function keyFor(ctx: Context, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey(ctx), '', purpose, 32))
}

/** Encrypts a secret that has to be read again: AES-256-GCM, bound to its purpose. */
export function seal(ctx: Context, purpose: string, text: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', keyFor(ctx, purpose), nonce)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
}

export function unseal(ctx: Context, purpose: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', keyFor(ctx, purpose), bytes.subarray(0, nonceBytes))
  decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
  try {
    return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
  } catch (cause) {
    throw new AppError('internal', 'A stored secret was sealed with another key.', {
      hint: 'Restore "secret.key" of the data folder, or the setting "secretKey", as it was.',
      cause,
    })
  }
}

/** Proves later that this server said `text`, without storing anything. */
export function sign(ctx: Context, purpose: string, text: string): string {
  return createHmac('sha256', keyFor(ctx, purpose)).update(text).digest('base64url')
}
