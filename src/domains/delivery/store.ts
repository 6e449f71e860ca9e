import type { Insertable } from 'kysely'
import type { Context } from '../../core/context.ts'
import { type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import { conflict } from '../../core/errors.ts'
import type * as serving from '../serving/serving.ts'
import { type Guard, mayFollow, openStates, type State } from './rules.ts'
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
  SeenTrafficTable,
} from './schema.ts'
import type { Seen } from './seen-rules.ts'

const tables = (ctx: Context) => ctx.db.withTables<DeliveryTables>()

/** The digest is of the plan as it was frozen: it is taken as it stands, and `planIn` reads what earlier versions wrote. */
const releases = recordsOf<ReleasesTable>()({ plan: trustedJson<Record<string, unknown>>() })
const rollouts = recordsOf<RolloutsTable>()({ guards: trustedJson<Guard[]>() })
const history = recordsOf<HistoryTable>()({ guards: trustedJson<Guard[]>() })
const seenTraffic = recordsOf<SeenTrafficTable>()({ state: trustedJson<Seen>() })
const outsideRoutes = recordsOf<OutsideRoutesTable>()({ routing: trustedJson<serving.Routing>() })

export type ReleaseRecord = Read<typeof releases>
export type RolloutRecord = Read<typeof rollouts>
type HistoryRecord = Read<typeof history>
type OutsideRouteRecord = Read<typeof outsideRoutes>
type NewRelease = Omit<Insertable<ReleasesTable>, 'plan'> & Pick<ReleaseRecord, 'plan'>

/** Columns that are not given are null. */
export async function insertRelease(ctx: Context, release: NewRelease): Promise<ReleaseRecord> {
  const { plan } = releases.write({ plan: release.plan })
  const values: Insertable<ReleasesTable> = { ...release, plan }
  return releases.read(await tables(ctx).insertInto('releases').values(values).returningAll().executeTakeFirstOrThrow())
}

export async function findRelease(ctx: Context, id: string): Promise<ReleaseRecord | undefined> {
  const row = await tables(ctx).selectFrom('releases').selectAll().where('id', '=', id).executeTakeFirst()
  return row && releases.read(row)
}

export async function updateRelease(ctx: Context, id: string, values: Partial<ReleaseRecord>): Promise<void> {
  await tables(ctx).updateTable('releases').set(releases.write(values)).where('id', '=', id).execute()
}

export async function listReleases(
  ctx: Context,
  model: string,
  before?: number,
  limit = 1_000,
): Promise<ReleaseRecord[]> {
  const query = tables(ctx)
    .selectFrom('releases')
    .selectAll()
    .where('model', '=', model)
    .orderBy('number', 'desc')
    .limit(limit)
  const rows = await (before === undefined ? query : query.where('number', '<', before)).execute()
  return rows.map(releases.read)
}

export async function insertRollout(ctx: Context, rollout: RolloutRecord): Promise<void> {
  await tables(ctx).insertInto('rollouts').values(rollouts.write(rollout)).execute()
}

export async function findRollout(ctx: Context, release: string): Promise<RolloutRecord | undefined> {
  const row = await tables(ctx).selectFrom('rollouts').selectAll().where('release', '=', release).executeTakeFirst()
  return row && rollouts.read(row)
}

export async function openRollout(ctx: Context, model: string): Promise<RolloutRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('rollouts')
    .selectAll()
    .where('model', '=', model)
    .where('state', 'in', openStates)
    .executeTakeFirst()
  return row && rollouts.read(row)
}

export async function listOpenRollouts(ctx: Context): Promise<RolloutRecord[]> {
  const rows = await tables(ctx).selectFrom('rollouts').selectAll().where('state', 'in', openStates).execute()
  return rows.map(rollouts.read)
}

/** False when somebody else moved the rollout meanwhile; a state that may not follow the present one is refused. */
export async function moveRollout(
  ctx: Context,
  from: RolloutRecord,
  values: Partial<RolloutRecord> & { state: State },
): Promise<boolean> {
  if (!mayFollow(from.state, values.state)) {
    throw conflict(`The rollout of "${from.release}" cannot go from "${from.state}" to "${values.state}".`, {
      name: from.release,
      hint: `keel rollout ${from.release}`,
    })
  }
  const { numUpdatedRows } = await tables(ctx)
    .updateTable('rollouts')
    .set(rollouts.write({ ...values, revision: from.revision + 1 }))
    .where('release', '=', from.release)
    .where('revision', '=', from.revision)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function setNextCheck(ctx: Context, release: string, at: string): Promise<void> {
  await tables(ctx).updateTable('rollouts').set({ next_check_at: at }).where('release', '=', release).execute()
}

export async function appendHistory(ctx: Context, entry: Omit<HistoryRecord, 'seq'>): Promise<void> {
  await tables(ctx)
    .insertInto('rollout_history')
    .values(history.write(entry) as HistoryTable)
    .execute()
}

export async function listHistory(ctx: Context, release: string): Promise<HistoryRecord[]> {
  const query = tables(ctx).selectFrom('rollout_history').selectAll().where('release', '=', release).orderBy('seq')
  return (await query.execute()).map(history.read)
}

export async function appendLive(ctx: Context, row: Omit<LiveLogTable, 'seq'>): Promise<void> {
  await tables(ctx)
    .insertInto('live_log')
    .values(row as LiveLogTable)
    .execute()
}

/** Of one that was only seen in recorded predictions, the name that they gave. */
export type LiveRow = LiveLogTable & { seen_as: string | null }

export async function listLive(ctx: Context, model: string): Promise<LiveRow[]> {
  return tables(ctx)
    .selectFrom('live_log')
    .leftJoin('releases', 'releases.id', 'live_log.release')
    .selectAll('live_log')
    .select('releases.seen_as')
    .where('live_log.model', '=', model)
    .orderBy('live_log.seq')
    .execute()
}

/** What traffic was sent to from here, or by the model's own commands: only that can be sent back. */
export async function listRouted(ctx: Context, model: string): Promise<LiveRow[]> {
  return (await listLive(ctx, model)).filter(({ seen_as }) => seen_as === null)
}

export async function findSeen(ctx: Context, model: string): Promise<Seen | undefined> {
  const row = await tables(ctx).selectFrom('seen_traffic').selectAll().where('model', '=', model).executeTakeFirst()
  return row && seenTraffic.read(row).state
}

export async function saveSeen(ctx: Context, model: string, state: Seen): Promise<void> {
  const row = seenTraffic.write({ model, state })
  await tables(ctx)
    .insertInto('seen_traffic')
    .values(row)
    .onConflict((conflict) => conflict.column('model').doUpdateSet({ state: row.state }))
    .execute()
}

/** Of one model, by the name that recorded predictions gave. */
export async function findSeenRelease(ctx: Context, model: string, name: string): Promise<ReleaseRecord | undefined> {
  const query = tables(ctx).selectFrom('releases').selectAll().where('model', '=', model).where('seen_as', '=', name)
  const row = await query.executeTakeFirst()
  return row && releases.read(row)
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

export async function findOutsideRoute(ctx: Context, model: string): Promise<OutsideRouteRecord | undefined> {
  const row = await tables(ctx).selectFrom('outside_routes').selectAll().where('model', '=', model).executeTakeFirst()
  return row && outsideRoutes.read(row)
}

export async function listOutsideRoutes(ctx: Context): Promise<OutsideRouteRecord[]> {
  const rows = await tables(ctx).selectFrom('outside_routes').selectAll().orderBy('model').execute()
  return rows.map(outsideRoutes.read)
}

export async function saveOutsideRoute(ctx: Context, route: OutsideRouteRecord): Promise<void> {
  const row = outsideRoutes.write(route)
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
