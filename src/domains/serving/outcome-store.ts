import type { Context } from '../../core/context.ts'
import type { OutcomesTable, ServingTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<Pick<ServingTables, 'outcomes' | 'labels'>>()

/** Rows per statement: both databases limit the number of bound values. */
const chunk = 1_000

/** A later outcome of the same id corrects the earlier one. */
export async function saveOutcomes(ctx: Context, rows: OutcomesTable[]): Promise<void> {
  for (let at = 0; at < rows.length; at += chunk) {
    await tables(ctx)
      .insertInto('outcomes')
      .values(rows.slice(at, at + chunk))
      .onConflict((conflict) =>
        conflict.columns(['endpoint', 'id']).doUpdateSet((eb) => ({
          name: eb.ref('excluded.name'),
          prediction: eb.ref('excluded.prediction'),
          unit: eb.ref('excluded.unit'),
          value: eb.ref('excluded.value'),
          at: eb.ref('excluded.at'),
          known_at: eb.ref('excluded.known_at'),
        })),
      )
      .execute()
  }
}

export async function countOutcomes(ctx: Context, endpoint: string, ids: string[]): Promise<number> {
  let found = 0
  for (let at = 0; at < ids.length; at += chunk) {
    const row = await tables(ctx)
      .selectFrom('outcomes')
      .select((eb) => eb.fn.countAll().as('found'))
      .where('endpoint', '=', endpoint)
      .where('id', 'in', ids.slice(at, at + chunk))
      .executeTakeFirst()
    found += Number(row?.found ?? 0)
  }
  return found
}

export async function hasOutcomes(ctx: Context, endpoint: string): Promise<boolean> {
  const query = tables(ctx).selectFrom('outcomes').select('id').where('endpoint', '=', endpoint)
  return (await query.limit(1).executeTakeFirst()) !== undefined
}

export async function outcomesOfPredictions(
  ctx: Context,
  endpoint: string,
  predictions: string[],
): Promise<OutcomesTable[]> {
  const found: OutcomesTable[] = []
  for (let at = 0; at < predictions.length; at += chunk) {
    const rows = await tables(ctx)
      .selectFrom('outcomes')
      .selectAll()
      .where('endpoint', '=', endpoint)
      .where('prediction', 'in', predictions.slice(at, at + chunk))
      .execute()
    found.push(...rows)
  }
  return found
}

/** Of units as such, in [from, to). */
export async function outcomesOfUnits(
  ctx: Context,
  endpoint: string,
  { from, to }: { from: string; to: string },
): Promise<OutcomesTable[]> {
  const query = tables(ctx).selectFrom('outcomes').selectAll().where('endpoint', '=', endpoint)
  return query.where('prediction', 'is', null).where('at', '>=', from).where('at', '<', to).execute()
}

type Page = { after: { known_at: string; prediction: string }; to: string; limit: number }

/** Predictions whose labels or outcomes became known before `to`, from a place in that order on. */
export async function reportsBetween(
  ctx: Context,
  endpoint: string,
  { after, to, limit }: Page,
): Promise<{ known_at: string; prediction: string }[]> {
  const labels = tables(ctx).selectFrom('labels').select(['known_at', 'prediction']).where('endpoint', '=', endpoint)
  const outcomes = tables(ctx)
    .selectFrom('outcomes')
    .select((eb) => ['known_at', eb.fn.coalesce('prediction', eb.val('')).as('prediction')])
    .where('endpoint', '=', endpoint)
    .where('prediction', 'is not', null)
    .where('known_at', '<', to)
    .where('known_at', '>=', after.known_at)
  const both = labels.where('known_at', '<', to).where('known_at', '>=', after.known_at).unionAll(outcomes)
  return tables(ctx)
    .selectFrom(both.as('reports'))
    .selectAll()
    .where((eb) =>
      eb.or([
        eb('known_at', '>', after.known_at),
        eb.and([eb('known_at', '=', after.known_at), eb('prediction', '>', after.prediction)]),
      ]),
    )
    .orderBy('known_at')
    .orderBy('prediction')
    .limit(limit)
    .execute()
}

/** The first characters of the moments of outcomes of units that became known in [from, to), each once. */
export async function minutesOfUnits(
  ctx: Context,
  endpoint: string,
  { from, to, length }: { from: string; to: string; length: number },
): Promise<string[]> {
  const rows = await tables(ctx)
    .selectFrom('outcomes')
    .select((eb) => eb.fn<string>('substr', ['at', eb.lit(1), eb.lit(length)]).as('minute'))
    .distinct()
    .where('endpoint', '=', endpoint)
    .where('prediction', 'is', null)
    .where('known_at', '>=', from)
    .where('known_at', '<', to)
    .execute()
  return rows.map(({ minute }) => minute)
}
