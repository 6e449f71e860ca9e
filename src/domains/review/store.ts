import type { Context } from '../../core/context.ts'
import { type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import type { Group } from './rules.ts'
import type { DecisionsTable, FailureGroupsTable, ReviewTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<ReviewTables>()

const groups = recordsOf<FailureGroupsTable>()({ content: trustedJson<Group & { overall: number }>() })

export type FailureGroupRecord = Read<typeof groups>

export async function findGroup(ctx: Context, id: string): Promise<FailureGroupRecord | undefined> {
  const row = await tables(ctx).selectFrom('failure_groups').selectAll().where('id', '=', id).executeTakeFirst()
  return row && groups.read(row)
}

export async function listGroups(ctx: Context, model: string): Promise<FailureGroupRecord[]> {
  const rows = await tables(ctx).selectFrom('failure_groups').selectAll().where('model', '=', model).execute()
  return rows.map(groups.read)
}

export async function saveGroup(ctx: Context, group: FailureGroupRecord): Promise<void> {
  const row = groups.write(group)
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
