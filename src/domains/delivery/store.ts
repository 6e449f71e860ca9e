import type { Insertable } from 'kysely'
import type { Context } from '../../core/context.ts'
import { conflict } from '../../core/errors.ts'
import { mayFollow, openStates, type State } from './rules.ts'
import type {
  ApprovalsTable,
  DeliveryTables,
  HistoryTable,
  LiveLogTable,
  OutsideRoutesTable,
  OverridesTable,
  PinsTable,
  ReleasesTable,
  RollbackTimesTable,
  RolloutsTable,
} from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<DeliveryTables>()

/** Columns that are not given are null. */
export async function insertRelease(ctx: Context, row: Insertable<ReleasesTable>): Promise<ReleasesTable> {
  return tables(ctx).insertInto('releases').values(row).returningAll().executeTakeFirstOrThrow()
}

export async function findRelease(ctx: Context, id: string): Promise<ReleasesTable | undefined> {
  return tables(ctx).selectFrom('releases').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function updateRelease(ctx: Context, id: string, values: Partial<ReleasesTable>): Promise<void> {
  await tables(ctx).updateTable('releases').set(values).where('id', '=', id).execute()
}

export async function listReleases(
  ctx: Context,
  model: string,
  before?: number,
  limit = 1_000,
): Promise<ReleasesTable[]> {
  const query = tables(ctx)
    .selectFrom('releases')
    .selectAll()
    .where('model', '=', model)
    .orderBy('number', 'desc')
    .limit(limit)
  return (before === undefined ? query : query.where('number', '<', before)).execute()
}

export async function insertRollout(ctx: Context, row: RolloutsTable): Promise<void> {
  await tables(ctx).insertInto('rollouts').values(row).execute()
}

export async function findRollout(ctx: Context, release: string): Promise<RolloutsTable | undefined> {
  return tables(ctx).selectFrom('rollouts').selectAll().where('release', '=', release).executeTakeFirst()
}

export async function openRollout(ctx: Context, model: string): Promise<RolloutsTable | undefined> {
  return tables(ctx)
    .selectFrom('rollouts')
    .selectAll()
    .where('model', '=', model)
    .where('state', 'in', openStates)
    .executeTakeFirst()
}

export async function listOpenRollouts(ctx: Context): Promise<RolloutsTable[]> {
  return tables(ctx).selectFrom('rollouts').selectAll().where('state', 'in', openStates).execute()
}

/** False when somebody else moved the rollout meanwhile; a state that may not follow the present one is refused. */
export async function moveRollout(
  ctx: Context,
  from: RolloutsTable,
  values: Partial<RolloutsTable> & { state: State },
): Promise<boolean> {
  if (!mayFollow(from.state, values.state)) {
    throw conflict(`The rollout of "${from.release}" cannot go from "${from.state}" to "${values.state}".`, {
      name: from.release,
      hint: `keel rollout ${from.release}`,
    })
  }
  const { numUpdatedRows } = await tables(ctx)
    .updateTable('rollouts')
    .set({ ...values, revision: Number(from.revision) + 1 })
    .where('release', '=', from.release)
    .where('revision', '=', Number(from.revision))
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function appendHistory(ctx: Context, row: Omit<HistoryTable, 'seq'>): Promise<void> {
  await tables(ctx)
    .insertInto('rollout_history')
    .values(row as HistoryTable)
    .execute()
}

export async function listHistory(ctx: Context, release: string): Promise<HistoryTable[]> {
  return tables(ctx).selectFrom('rollout_history').selectAll().where('release', '=', release).orderBy('seq').execute()
}

export async function appendLive(ctx: Context, row: Omit<LiveLogTable, 'seq'>): Promise<void> {
  await tables(ctx)
    .insertInto('live_log')
    .values(row as LiveLogTable)
    .execute()
}

export async function listLive(ctx: Context, model: string): Promise<LiveLogTable[]> {
  return tables(ctx).selectFrom('live_log').selectAll().where('model', '=', model).orderBy('seq').execute()
}

export async function findPin(ctx: Context, model: string): Promise<PinsTable | undefined> {
  return tables(ctx).selectFrom('pins').selectAll().where('model', '=', model).executeTakeFirst()
}

export async function savePin(ctx: Context, row: PinsTable): Promise<void> {
  const { model: _, ...values } = row
  await tables(ctx)
    .insertInto('pins')
    .values(row)
    .onConflict((conflict) => conflict.column('model').doUpdateSet(values))
    .execute()
}

export async function insertRollbackTime(ctx: Context, row: RollbackTimesTable): Promise<void> {
  await tables(ctx).insertInto('rollback_times').values(row).execute()
}

export async function listRollbackTimes(ctx: Context, model: string): Promise<RollbackTimesTable[]> {
  return tables(ctx).selectFrom('rollback_times').selectAll().where('model', '=', model).orderBy('at').execute()
}

export async function insertApproval(ctx: Context, row: ApprovalsTable): Promise<void> {
  await tables(ctx).insertInto('release_approvals').values(row).execute()
}

export async function listApprovals(ctx: Context, model: string, version?: number): Promise<ApprovalsTable[]> {
  const query = tables(ctx)
    .selectFrom('release_approvals')
    .selectAll()
    .where('model', '=', model)
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
  return (version === undefined ? query : query.where('version', '=', version)).execute()
}

export async function insertOverride(ctx: Context, row: OverridesTable): Promise<void> {
  await tables(ctx).insertInto('policy_overrides').values(row).execute()
}

export async function listOverrides(ctx: Context, model: string): Promise<OverridesTable[]> {
  return tables(ctx)
    .selectFrom('policy_overrides')
    .selectAll()
    .where('model', '=', model)
    .orderBy('created_at', 'desc')
    .execute()
}

export async function findOutsideRoute(ctx: Context, model: string): Promise<OutsideRoutesTable | undefined> {
  return tables(ctx).selectFrom('outside_routes').selectAll().where('model', '=', model).executeTakeFirst()
}

export async function saveOutsideRoute(ctx: Context, row: OutsideRoutesTable): Promise<void> {
  const { model: _, ...values } = row
  await tables(ctx)
    .insertInto('outside_routes')
    .values(row)
    .onConflict((conflict) => conflict.column('model').doUpdateSet(values))
    .execute()
}

/** Models with at least one release. */
export async function listModels(ctx: Context): Promise<string[]> {
  const rows = await tables(ctx).selectFrom('releases').select('model').distinct().orderBy('model').execute()
  return rows.map(({ model }) => model)
}
