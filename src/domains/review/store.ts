import type { Context } from '../../core/context.ts'
import type { DecisionsTable, FailureGroupsTable, ReviewTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<ReviewTables>()

export async function findGroup(ctx: Context, id: string): Promise<FailureGroupsTable | undefined> {
  return tables(ctx).selectFrom('failure_groups').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function listGroups(ctx: Context, model: string): Promise<FailureGroupsTable[]> {
  return tables(ctx).selectFrom('failure_groups').selectAll().where('model', '=', model).execute()
}

export async function saveGroup(ctx: Context, row: FailureGroupsTable): Promise<void> {
  await tables(ctx)
    .insertInto('failure_groups')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['model', 'slice_key'])
        .doUpdateSet({ content: row.content, state: row.state, updated_at: row.updated_at }),
    )
    .execute()
}

export async function codeGroup(
  ctx: Context,
  id: string,
  code: string,
  shouldHaveCaught: string | null,
): Promise<void> {
  await tables(ctx)
    .updateTable('failure_groups')
    .set({ code, should_have_caught: shouldHaveCaught })
    .where('id', '=', id)
    .execute()
}

export async function insertDecision(ctx: Context, row: DecisionsTable): Promise<void> {
  await tables(ctx).insertInto('decisions').values(row).execute()
}

export async function listDecisions(
  ctx: Context,
  model: string | undefined,
  before: string | undefined,
  limit: number,
): Promise<DecisionsTable[]> {
  let query = tables(ctx).selectFrom('decisions').selectAll().orderBy('id', 'desc').limit(limit)
  if (model !== undefined) query = query.where('model', '=', model)
  if (before !== undefined) query = query.where('id', '<', before)
  return query.execute()
}
