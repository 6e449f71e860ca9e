import type { Context } from '../../../core/context.ts'
import { day } from '../../../core/duration.ts'
import { AppError } from '../../../core/errors.ts'
import * as evaluation from '../../evaluation/evaluation.ts'
import type { Tokens } from '../log/log.ts'
import { type Allowance, lacks, left, provide, provideAhead, today } from './allowance.ts'

/** Bounds in the price table's currency; `per_day` is a day in UTC, over all releases of the endpoint. */
export type Cap = { per_request?: number | undefined; per_day?: number | undefined }

export type Reservation = {
  /** The generated tokens that the money is kept for; nothing when there is no cap. */
  maxTokens: number | undefined
  /** `counted` by the provider; where it did not count, all that was kept may be gone, and at least `estimate`. */
  settle(counted: number | null, estimate?: number | null): void
}

type CostRequest = {
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

/** Of the day's money, for an answer that the caller sets no bound to. */
export const openAnswer = 0.05

/** What an answer cost; null where the table has no price or nothing was counted. */
export function costOfTokens(model: string, tokens: Tokens | null, prices: Record<string, number>): number | null {
  if (tokens === null) return null
  const usage = { model, inputTokens: tokens.input, outputTokens: tokens.output }
  const cost = evaluation.costOf(usage, prices)
  return Number.isFinite(cost) ? cost : null
}

/** Keeps money out of what is at hand, until it is known what the call cost. */
function keep(held: Allowance, kept: number): Reservation['settle'] {
  held.reserved += kept
  let open = true
  return (counted, estimate) => {
    if (!open) return
    open = false
    held.reserved -= kept
    held.spent += counted ?? Math.max(kept, estimate ?? 0)
  }
}

/**
 * Keeps the most that a call can cost before it is made, and gives back what it did not. The bound is hard: tokens of the
 * input are never more than its bytes, and what may be generated is limited to what the money is enough for.
 */
export async function reserve(ctx: Context, wish: CostRequest): Promise<Reservation> {
  const { endpoint, cap, answers, generates } = wish
  const { per_request: perRequest = Number.POSITIVE_INFINITY, per_day: perDay } = cap
  if (cap.per_request === undefined && perDay === undefined)
    return { maxTokens: undefined, settle: keep(today(ctx, endpoint), 0) }
  const forInput = wish.inputTokens * price(wish, 'input_token')
  const perToken = generates ? price(wish, 'output_token') * answers : 0
  if (perDay !== undefined) {
    const answer = wish.maxTokens === undefined ? Math.max(perToken, perDay * openAnswer) : perToken * wish.maxTokens
    const need = Math.min(perRequest, forInput + answer)
    while (lacks(ctx, { endpoint, perDay, need })) await provide(ctx, { endpoint, perDay, need })
  }
  const held = today(ctx, endpoint)
  const rest = perDay === undefined ? Number.POSITIVE_INFINITY : left(held)
  const allowed = Math.min(perRequest, rest)
  const affordable = perToken === 0 ? Number.POSITIVE_INFINITY : Math.floor((allowed - forInput) / perToken)
  const wanted = wish.maxTokens ?? affordable
  if (forInput > allowed || affordable < 1 || wanted > affordable)
    throw refusal(ctx, endpoint, { affordable, perDay: rest < perRequest })
  const maxTokens = generates && Number.isFinite(wanted) ? wanted : undefined
  const settle = keep(held, forInput + (maxTokens ?? 0) * perToken)
  if (perDay !== undefined) provideAhead(ctx, { endpoint, perDay })
  return { maxTokens, settle }
}

function refusal(ctx: Context, endpoint: string, found: { affordable: number; perDay: boolean }): AppError {
  const { affordable, perDay } = found
  const untilMidnight = (day - (ctx.now().getTime() % day)) / 1_000
  return new AppError(
    'budget_exceeded',
    `The call could cost more than "${endpoint}" may spend ${perDay ? 'today' : 'on a request'}.`,
    {
      name: perDay ? 'per_day' : 'per_request',
      hint:
        Number.isFinite(affordable) && affordable >= 1
          ? `With max_tokens of ${affordable} it could not.`
          : `The bounds are "serves.limits.cost" in models/${endpoint}.yaml.`,
      ...(perDay ? { retryAfterSeconds: untilMidnight } : {}),
    },
  )
}

function price({ model, prices, endpoint }: CostRequest, unit: string): number {
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
