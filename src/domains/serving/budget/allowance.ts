import { type Context, liveValue } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import { transaction } from '../../../core/transaction.ts'
import * as store from '../store.ts'

/**
 * What this server may still spend of an endpoint's day (UTC). It takes money out of the day's bound in slices, which are
 * written down before they are spent: so all servers together stay below the bound, one that is killed leaves at most its
 * slices behind as spent, and a call waits for the database only where what is at hand is too little for it.
 */
export type Allowance = {
  day: string
  taken: number
  spent: number
  reserved: number
  /** Of `spent`, what is written down. */
  told: number
  /** What others have written down, by the last look. */
  elsewhere: number
  /** What nobody had taken when this server looked last, and when that was (clock.elapsed()). */
  rest: number
  lookedAt: number
  taking: Promise<void> | undefined
}

/** Of the day's bound; less as the money runs out, so that one server does not sit on the rest of it. */
const slice = 0.1
const sliceOfRest = 0.25
/** Other servers may give something back, but not that often. */
const lookAgainMilliseconds = 1_000

const allowances = (ctx: Context) => liveValue(ctx, 'serving.allowances', () => new Map<string, Allowance>())

export function today(ctx: Context, endpoint: string): Allowance {
  const day = ctx.now().toISOString().slice(0, 10)
  const known = allowances(ctx).get(endpoint)
  if (known?.day === day) return known
  const rest = Number.POSITIVE_INFINITY
  const fresh = { day, taken: 0, spent: 0, reserved: 0, told: 0, elsewhere: 0, rest, lookedAt: 0, taking: undefined }
  allowances(ctx).set(endpoint, fresh)
  return fresh
}

export const left = ({ taken, spent, reserved }: Allowance) => taken - spent - reserved

/** In the price table's currency: of this server all, of other servers what they had reported when last read. */
export function spentToday(ctx: Context, endpoint: string): number {
  const { spent, elsewhere } = today(ctx, endpoint)
  return spent + elsewhere
}

type BudgetRequest = { endpoint: string; perDay: number; need: number }

/** Whether there is less at hand than `need`, although the day may still have it: then `provide` and ask again. */
export function lacks(ctx: Context, { endpoint, need }: BudgetRequest): boolean {
  const held = today(ctx, endpoint)
  return left(held) < need && mayHave(ctx, held, need)
}

/** Others may be quicker than the caller, who holds nothing before he has kept it. */
export async function provide(ctx: Context, wanted: BudgetRequest): Promise<void> {
  const held = today(ctx, wanted.endpoint)
  // Whoever made a change that fails gets its error.
  if (held.taking) await Promise.allSettled([held.taking])
  else await take(ctx, held, wanted)
}

/** Takes the next slice while there is still half of the last one; nobody waits for it. */
export function provideAhead(ctx: Context, { endpoint, perDay }: Omit<BudgetRequest, 'need'>): void {
  const held = today(ctx, endpoint)
  const need = (perDay * slice) / 2
  if (held.taking || left(held) >= need || !mayHave(ctx, held, Number.MIN_VALUE)) return
  take(ctx, held, { endpoint, perDay, need }).catch((error: unknown) => {
    ctx.log.warn({ err: error, endpoint }, 'no money was taken ahead')
  })
}

function mayHave(ctx: Context, held: Allowance, need: number): boolean {
  return Math.max(0, left(held)) + held.rest >= need || ctx.clock.elapsed() - held.lookedAt > lookAgainMilliseconds
}

/** One change of the ledger at a time. */
async function alone(held: Allowance, work: () => Promise<void>): Promise<void> {
  held.taking = work().finally(() => {
    held.taking = undefined
  })
  await held.taking
}

function take(ctx: Context, held: Allowance, { endpoint, perDay, need }: BudgetRequest): Promise<void> {
  return alone(held, async () => {
    const missing = Math.max(0, need - left(held))
    const { rest, amount } = await change(ctx, held, endpoint, (taken) => {
      const rest = Math.max(0, perDay - taken)
      return { rest, amount: Math.min(rest, Math.max(missing, Math.min(perDay * slice, rest * sliceOfRest))) }
    })
    held.taken += amount
    held.rest = rest - amount
    held.lookedAt = ctx.clock.elapsed()
  })
}

/** Gives back what this server took and did not spend: when it ends, and when the bound changes. */
export async function giveBack(ctx: Context, endpoint: string): Promise<void> {
  const held = today(ctx, endpoint)
  while (held.taking) await Promise.allSettled([held.taking])
  await alone(held, async () => {
    const unused = Math.max(0, left(held))
    held.taken -= unused
    await change(ctx, held, endpoint, () => ({ rest: 0, amount: -unused }))
    held.rest = Number.POSITIVE_INFINITY
  })
}

export async function giveAllBack(ctx: Context): Promise<void> {
  for (const endpoint of allowances(ctx).keys())
    await giveBack(ctx, endpoint).catch((error: unknown) => {
      ctx.log.warn({ err: error, endpoint }, 'money that was not spent is not given back today')
    })
}

/** `rest`: what nobody has taken. */
type Change = { rest: number; amount: number }

async function change(
  ctx: Context,
  held: Allowance,
  endpoint: string,
  decide: (taken: number) => Change,
): Promise<Change> {
  const { day, spent, told } = held
  try {
    const { decided, elsewhere } = await transaction(ctx, async (ctx) => {
      const known = await store.findSpend(ctx, endpoint, day)
      const decided = decide(known.taken)
      if (decided.amount !== 0 || spent !== told)
        await store.saveSpend(ctx, {
          endpoint,
          day,
          taken: Math.max(0, known.taken + decided.amount),
          spent: known.spent + spent - told,
        })
      return { decided, elsewhere: known.spent - told }
    })
    held.told = spent
    held.elsewhere = elsewhere
    return decided
  } catch (cause) {
    throw new AppError('budget_exceeded', `What "${endpoint}" may spend today cannot be looked up.`, {
      name: 'per_day',
      hint: 'The database does not answer.',
      retryAfterSeconds: 1,
      cause,
    })
  }
}
