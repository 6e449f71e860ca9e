import { type Context, liveValue } from '../../core/context.ts'
import { AppError } from '../../core/errors.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import { readLog } from './log-reading.ts'
import type { Tokens } from './log-record.ts'

/** Bounds in the price table's currency; `per_day` is a day in UTC, over all releases of the endpoint. */
export type Cap = { per_request?: number | undefined; per_day?: number | undefined }

type Day = { day: string; spent: number; reserved: number }
export type Reservation = {
  /** The generated tokens that the money is kept for; nothing when there is no cap. */
  maxTokens: number | undefined
  /** `counted` by the provider; where it did not count, all that was kept may be gone, and at least `estimate`. */
  settle(counted: number | null, estimate?: number | null): void
}

type Wish = {
  endpoint: string
  model: string
  cap: Cap
  prices: Record<string, number>
  /** Upper bound of the tokens of what is sent. */
  inputTokens: number
  /** What the caller wants to have generated at most; `answers` of them. */
  maxTokens: number | undefined
  answers: number
  generates: boolean
}

const days = (ctx: Context) => liveValue(ctx, 'serving.spend', () => new Map<string, Day>())
const dayMilliseconds = 86_400_000

function today(ctx: Context, endpoint: string): Day {
  const day = ctx.now().toISOString().slice(0, 10)
  const known = days(ctx).get(endpoint)
  if (known?.day === day) return known
  const fresh = { day, spent: 0, reserved: 0 }
  days(ctx).set(endpoint, fresh)
  return fresh
}

export function spentToday(ctx: Context, endpoint: string): number {
  return today(ctx, endpoint).spent
}

/** What an answer cost; null where the table has no price or nothing was counted. */
export function costOf(model: string, tokens: Tokens | null, prices: Record<string, number>): number | null {
  if (tokens === null) return null
  const usage = { model, inputTokens: tokens.input, outputTokens: tokens.output }
  const cost = evaluation.costOf(usage, prices)
  return Number.isFinite(cost) ? cost : null
}

const nothing: Reservation = { maxTokens: undefined, settle: () => undefined }

/**
 * Keeps the most that a call can cost before it is made, and gives back what it did not. The bound is hard: tokens of the
 * input are never more than its bytes, and what may be generated is limited to what the money is enough for.
 */
export function reserve(ctx: Context, wish: Wish): Reservation {
  const { endpoint, cap, answers, generates } = wish
  const held = today(ctx, endpoint)
  const book = (kept: number): Reservation['settle'] => {
    held.reserved += kept
    let open = true
    return (counted, estimate) => {
      if (!open) return
      open = false
      held.reserved -= kept
      held.spent += counted ?? Math.max(kept, estimate ?? 0)
    }
  }
  if (cap.per_request === undefined && cap.per_day === undefined) return { ...nothing, settle: book(0) }
  const [input, output] = [price(wish, 'input_token'), generates ? price(wish, 'output_token') : 0]
  const left = (cap.per_day ?? Number.POSITIVE_INFINITY) - held.spent - held.reserved
  const allowed = Math.min(cap.per_request ?? Number.POSITIVE_INFINITY, left)
  const forInput = wish.inputTokens * input
  const affordable = output === 0 ? Number.POSITIVE_INFINITY : Math.floor((allowed - forInput) / (output * answers))
  const wanted = wish.maxTokens ?? affordable
  if (forInput > allowed || affordable < 1 || wanted > affordable) {
    const perDay = left < (cap.per_request ?? Number.POSITIVE_INFINITY)
    throw new AppError(
      'budget_exceeded',
      `The call could cost more than "${endpoint}" may spend ${perDay ? 'today' : 'on a request'}.`,
      {
        name: perDay ? 'per_day' : 'per_request',
        hint:
          Number.isFinite(affordable) && affordable >= 1
            ? `With max_tokens of ${affordable} it could not.`
            : `The bounds are "serves.limits.cost" in models/${endpoint}.yaml.`,
        ...(perDay ? { retryAfterSeconds: (dayMilliseconds - (ctx.now().getTime() % dayMilliseconds)) / 1_000 } : {}),
      },
    )
  }
  const maxTokens = Number.isFinite(wanted) ? wanted : undefined
  const kept = forInput + (maxTokens ?? 0) * output * answers
  return { maxTokens: generates ? maxTokens : undefined, settle: book(kept) }
}

function price({ model, prices, endpoint }: Wish, unit: string): number {
  const found = prices[`${model}/${unit}`]
  if (found !== undefined) return found
  throw new AppError(
    'refused_by_policy',
    `"${endpoint}" has a bound on cost, and the price table has no "${model}/${unit}".`,
    {
      name: `${model}/${unit}`,
      hint: 'Add it under "prices" in keel.yaml, then run "keel apply".',
    },
  )
}

/** What a server before this one spent today, by the prediction log. */
export async function recallSpend(ctx: Context, endpoint: string, share: number): Promise<void> {
  if (days(ctx).has(endpoint)) return
  const held = today(ctx, endpoint)
  const rows = await readLog(ctx, { endpoint, from: `${held.day}T00:00:00.000Z`, to: '9999' })
  // The sample stands for the rest.
  held.spent += rows.reduce((sum, { cost }) => sum + (cost ?? 0), 0) / Math.max(share, 1e-9)
}
