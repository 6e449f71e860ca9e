import { sql } from 'kysely'
import type { Context } from '../../core/context.ts'
import type { RunsTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<RunsTables>()

export async function saveMark(ctx: Context, id: string, mark: string): Promise<void> {
  await tables(ctx)
    .insertInto('import_marks')
    .values({ id, mark })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ mark }))
    .execute()
}

export async function marks(ctx: Context, ids: string[]): Promise<{ id: string; mark: string }[]> {
  if (ids.length === 0) return []
  return tables(ctx).selectFrom('import_marks').selectAll().where('id', 'in', ids).execute()
}

export async function counts(
  ctx: Context,
  ids: string[],
): Promise<Record<'runs' | 'params' | 'tags' | 'points', number>> {
  if (ids.length === 0) return { runs: 0, params: 0, tags: 0, points: 0 }
  const found = await tables(ctx).selectFrom('runs').select('number').where('id', 'in', ids).execute()
  const numbers = found.map(({ number }) => Number(number))
  const count = async (table: 'run_params' | 'run_tags' | 'metrics') => {
    if (numbers.length === 0) return 0
    const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}
      where run in (${sql.join(numbers)})`.execute(ctx.db)
    return Number(rows[0]?.n ?? 0)
  }
  return {
    runs: numbers.length,
    params: await count('run_params'),
    tags: await count('run_tags'),
    points: await count('metrics'),
  }
}
