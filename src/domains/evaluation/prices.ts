import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { digestOfJson } from '../../core/json/json.ts'
import { transaction } from '../../core/transaction.ts'
import type { Usage } from './answers/answers.ts'
import type { evaluation } from './contract.ts'
import { append } from './events.ts'
import * as store from './store.ts'

type Operations = typeof evaluation
export type PriceTable = Output<Operations['getPrices']>

const nothing: PriceTable = { digest: null, prices: {}, createdAt: null, createdBy: null }

/** Stores a table as the newest; the same prices again change nothing. */
export function setPrices(ctx: Context, { prices }: Input<Operations['setPrices']>): Promise<PriceTable> {
  const digest = digestOfJson(prices)
  return transaction(ctx, async (ctx) => {
    const newest = await store.findPrices(ctx, undefined)
    if (newest?.digest === digest) return toTable(newest)
    const row = {
      digest,
      prices,
      created_at: ctx.now().toISOString(),
      created_by: ctx.actor.name,
    }
    await store.insertPrices(ctx, row)
    await append(ctx, 'evaluation.prices_set', 'prices', { digest, prices })
    return toTable(row)
  })
}

/** The newest table, or the one of a digest; empty when nobody set any. */
export async function getPrices(ctx: Context, { digest }: Input<Operations['getPrices']> = {}): Promise<PriceTable> {
  const row = await store.findPrices(ctx, digest)
  return row ? toTable(row) : nothing
}

function toTable(row: store.PriceTableRecord): PriceTable {
  return { digest: row.digest, prices: row.prices, createdAt: row.created_at, createdBy: row.created_by }
}

/** The price of one answer; NaN when an amount or a price is missing. */
export function costOf(usage: Usage, prices: Record<string, number>): number {
  const amounts = amountsOf(usage)
  return amounts.reduce(
    (sum, [unit, amount]) => sum + (Number.isFinite(amount) ? amount : Number.NaN) * (prices[unit] ?? Number.NaN),
    0,
  )
}

function amountsOf(usage: Usage): [string, number][] {
  if ('cpuMs' in usage) return [['cpu_ms', usage.cpuMs]]
  return [
    [`${usage.model}/input_token`, usage.inputTokens],
    [`${usage.model}/output_token`, usage.outputTokens],
  ]
}

/** The units that were used and have no price, in quotes. */
export function missingPrices(usages: readonly Usage[], prices: Record<string, number>): string[] {
  const units = new Set(usages.flatMap((usage) => amountsOf(usage).map(([unit]) => unit)))
  return [...units].filter((unit) => !Object.hasOwn(prices, unit)).map((unit) => `"${unit}"`)
}
