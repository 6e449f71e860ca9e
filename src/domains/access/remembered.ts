import { withTimeLimit } from '../../core/concurrency.ts'
import { type Context, liveValue } from '../../core/context.ts'

/** After this a known credential is read again: what another server revoked is refused here at the latest then. */
const freshMilliseconds = 1_000
/** How long a request waits for that reading; a database that does not answer must not hold up predictions. */
const patienceMilliseconds = 100
/** A credential that could not be read again for so long is not known any more. */
const maxMilliseconds = 60_000
const maxKnown = 10_000

const late = () => new Error('It is not read in time.')

type Known<T> = { found: Map<string, { value: T; readAt: number }>; readings: Map<string, Promise<T | undefined>> }

export type Remembered<T> = {
  find(ctx: Context, key: string): Promise<T | undefined>
  /** Forgets what was known, also what is being read at this moment. */
  forget(ctx: Context, key: string): void
}

/** Credentials of one kind by their key, from memory where they were read a moment ago. */
export function remembered<T>(
  kind: string,
  look: (ctx: Context, key: string) => Promise<T | undefined>,
): Remembered<T> {
  const known = (ctx: Context) =>
    liveValue(ctx, `access.${kind}`, (): Known<T> => ({ found: new Map(), readings: new Map() }))

  function read(ctx: Context, key: string): Promise<T | undefined> {
    const { found, readings } = known(ctx)
    const reading = look(ctx, key).then(
      (value) => {
        if (readings.get(key) !== reading) return value
        readings.delete(key)
        if (found.size >= maxKnown) found.clear()
        if (value === undefined) found.delete(key)
        else found.set(key, { value, readAt: ctx.clock.elapsed() })
        return value
      },
      (error: unknown) => {
        if (readings.get(key) === reading) readings.delete(key)
        ctx.log.error({ err: error }, `one of the ${kind} could not be read`)
        throw error
      },
    )
    readings.set(key, reading)
    return reading
  }

  return {
    async find(ctx, key) {
      const { found, readings } = known(ctx)
      const last = found.get(key)
      const age = last ? ctx.clock.elapsed() - last.readAt : Number.POSITIVE_INFINITY
      if (last && age < freshMilliseconds) return last.value
      const underway = readings.get(key)
      if (!last || age > maxMilliseconds) return underway ?? read(ctx, key)
      if (underway) return last.value
      return withTimeLimit(read(ctx, key), patienceMilliseconds, late).catch(() => last.value)
    },
    forget(ctx, key) {
      const { found, readings } = known(ctx)
      found.delete(key)
      readings.delete(key)
    },
  }
}
