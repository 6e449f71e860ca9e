import type { Context } from '../../core/context.ts'
import { AppError } from '../../core/errors.ts'
import { identifier } from '../../core/lake.ts'
import * as datasets from '../datasets/datasets.ts'

const mostMoments = 5000
const windowDays = 7

/**
 * What somebody without a model would say at each moment: the mean label of the last seven days, from rows already
 * known then. Undefined where that cannot be computed without looking ahead: no source, no time at which rows became known.
 */
export async function lastKnownRates(
  ctx: Context,
  { labels, moments }: { labels: string | undefined; moments: readonly Date[] },
): Promise<(number | null)[] | undefined> {
  const [source = '', column = ''] = labels?.split('.') ?? []
  if (column === '' || moments.length === 0 || moments.length > mostMoments) return undefined
  const knownAt = await knownAtOf(ctx, source)
  if (knownAt === undefined) return undefined
  const values = moments.map((moment, index) => `(${index}, timestamp '${moment.toISOString().slice(0, -1)}')`)
  const known = identifier(knownAt)
  const rows = await datasets.withSource(ctx, { source }, async (lake, table) => {
    const columns = (await lake.query(`describe ${table}`)).map((row) => row['column_name'])
    if (!columns.includes(column)) return undefined
    return lake.query(
      `select moments.position as position, avg(rows.label) as rate
       from (values ${values.join(', ')}) as moments (position, moment)
       join (select ${known} as known_at, ${identifier(column)}::double as label from ${table}) as rows
         on rows.known_at <= moments.moment and rows.known_at > moments.moment - interval ${windowDays} day
       group by moments.position`,
    )
  })
  if (rows === undefined) return undefined
  const rates: (number | null)[] = moments.map(() => null)
  for (const { position, rate } of rows) if (typeof rate === 'number') rates[Number(position)] = rate
  return rates
}

async function knownAtOf(ctx: Context, source: string): Promise<string | undefined> {
  try {
    return (await datasets.getSource(ctx, { source })).definition.known_at
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined
    throw error
  }
}
