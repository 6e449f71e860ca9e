import { withTimeLimit } from '../../core/concurrency.ts'
import { type Context, liveValue } from '../../core/context.ts'
import type { TokensTable } from './schema.ts'
import * as store from './store.ts'

/** After this a known token is read again: what another server revoked is refused here at the latest then. */
const freshMilliseconds = 1_000
/** How long a request waits for that reading; a database that does not answer must not hold up predictions. */
const patienceMilliseconds = 100
/** A token that could not be read again for so long is not known any more. */
const maxMilliseconds = 60_000
const maxKnown = 10_000

const late = () => new Error('The token is not read in time.')

type CachedToken = { row: TokensTable; readAt: number }
type Tokens = { known: Map<string, CachedToken>; readings: Map<string, Promise<TokensTable | undefined>> }

const tokens = (ctx: Context) =>
  liveValue(ctx, 'access.tokens', (): Tokens => ({ known: new Map(), readings: new Map() }))

/** The token with this hash, from memory where it was read a moment ago. */
export async function findToken(ctx: Context, hash: string): Promise<TokensTable | undefined> {
  const { known, readings } = tokens(ctx)
  const found = known.get(hash)
  const age = found ? ctx.clock.elapsed() - found.readAt : Number.POSITIVE_INFINITY
  if (found && age < freshMilliseconds) return found.row
  const underway = readings.get(hash)
  if (!found || age > maxMilliseconds) return underway ?? read(ctx, hash)
  if (underway) return found.row
  return withTimeLimit(read(ctx, hash), patienceMilliseconds, late).catch(() => found.row)
}

/** Forgets what was known, also what is being read at this moment. */
export function forgetToken(ctx: Context, hash: string): void {
  const { known, readings } = tokens(ctx)
  known.delete(hash)
  readings.delete(hash)
}

function read(ctx: Context, hash: string): Promise<TokensTable | undefined> {
  const { known, readings } = tokens(ctx)
  const reading = store.findByHash(ctx, hash).then(
    (row) => {
      if (readings.get(hash) !== reading) return row
      readings.delete(hash)
      if (known.size >= maxKnown) known.clear()
      if (row) known.set(hash, { row, readAt: ctx.clock.elapsed() })
      else known.delete(hash)
      return row
    },
    (error: unknown) => {
      if (readings.get(hash) === reading) readings.delete(hash)
      ctx.log.error({ err: error }, 'a token could not be read')
      throw error
    },
  )
  readings.set(hash, reading)
  return reading
}
