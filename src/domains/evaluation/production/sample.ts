import type { Static } from 'typebox'
import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { transaction } from '../../../core/transaction.ts'
import type { evaluation, TrafficRow } from '../contract.ts'
import { append } from '../events.ts'
import { fromJsonLines, toJsonLines } from '../golden/golden.ts'
import type { TrafficSamplesTable } from '../schema.ts'
import * as store from '../store.ts'

type Operations = typeof evaluation
type Sample = Output<Operations['recordTraffic']>
type Row = Static<typeof TrafficRow>

/** Rows of production with their answers and, where they are known by now, their labels. */
export type ProductionSample = { from: string; to: string; digest: string; rows: Row[] }

/** Stores a sample. Golden sets are compared with the newest sample of their model. */
export async function recordTraffic(
  ctx: Context,
  { model, from, to, rows }: Input<Operations['recordTraffic']>,
): Promise<Sample> {
  const { digest } = await ctx.blobs.put(toJsonLines(rows))
  const row = {
    model,
    from_time: from,
    to_time: to,
    blob: digest,
    row_count: rows.length,
    created_at: ctx.now().toISOString(),
  }
  await transaction(ctx, async (ctx) => {
    await store.insertTraffic(ctx, row)
    await append(ctx, 'evaluation.traffic_recorded', `model/${model}`, { from, to, rows: rows.length, digest })
  })
  return toSample(row)
}

export async function getTraffic(
  ctx: Context,
  { model }: Input<Operations['getTraffic']>,
): Promise<Output<Operations['getTraffic']>> {
  const row = await store.findTraffic(ctx, { model })
  return { sample: row ? toSample(row) : null }
}

/** The newest sample of a model, or the one of a digest, with its rows. */
export async function readTraffic(ctx: Context, model: string, digest?: string): Promise<ProductionSample | undefined> {
  const row = await store.findTraffic(ctx, { model, blob: digest })
  if (!row) return undefined
  const rows = fromJsonLines(await ctx.blobs.readVerified(row.blob)) as Row[]
  return { from: row.from_time, to: row.to_time, digest: row.blob, rows }
}

function toSample(row: Omit<TrafficSamplesTable, 'seq'>): Sample {
  return {
    model: row.model,
    from: row.from_time,
    to: row.to_time,
    rows: row.row_count,
    digest: row.blob,
    createdAt: row.created_at,
  }
}
