import type { Context } from '../../../core/context.ts'
import { day } from '../../../core/duration.ts'
import { hashUnit } from '../../../core/stats/random.ts'
import * as evaluation from '../../evaluation/evaluation.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'

const days = 28
const maxRows = 2000

/** Records a sample of the last 28 days of production, with which golden sets are compared. */
export async function sampleTraffic(ctx: Context, { model }: { model: string }): Promise<void> {
  const to = ctx.now()
  const from = new Date(to.getTime() - days * day)
  const [start, end] = [from.toISOString(), to.toISOString()]
  const logged = await serving.readLog(ctx, { endpoint: model, from: start, to: end })
  const rows = logged
    .filter(({ arm, bad }) => arm !== 'shadow' && bad === null)
    .map((row) => ({ row, order: hashUnit(`traffic/${row.id}`) }))
    .sort((a, b) => a.order - b.order)
    .slice(0, maxRows)
    .map(({ row: { at, inputs, output, version, label } }) => {
      // Golden items have one relevance each, so the label of a whole list has no counterpart there.
      const alone = typeof label === 'object' ? null : label
      return { at, inputs, output, version, label: alone }
    })
    .sort((a, b) => (a.at < b.at ? -1 : 1))
  await inferSignatures(ctx, model, rows)
  if (rows.length > 0) await evaluation.recordTraffic(ctx, { model, from: start, to: end, rows })
}

type Served = { version: number; inputs: Record<string, unknown> }

/** A version that answers elsewhere shows there what it reads. One that is asked here is asked as its signature says, if it has one. */
async function inferSignatures(ctx: Context, model: string, rows: readonly Served[]): Promise<void> {
  if (await serving.getRouting(ctx, model)) return
  for (const [version, own] of Map.groupBy(rows, ({ version }) => version))
    if (version > 0) await registry.inferFromPredictions(ctx, { model, version, rows: own.map(({ inputs }) => inputs) })
}
