import type { Context } from '../../core/context.ts'
import { flag, type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import type { TreeEntry } from './output-tree.ts'
import type { Definition, KeyParts, Params } from './rules.ts'
import type {
  PipelineRunsTable,
  PipelineStepsTable,
  PipelinesTable,
  PipelinesTables,
  StepCacheTable,
} from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<PipelinesTables>()

/** Definitions are compared as they were written, and a run keeps what it began with: neither is read by today's schema. */
const pipelines = recordsOf<PipelinesTable>()({ definition: trustedJson<Definition>() })
const runs = recordsOf<PipelineRunsTable>()({
  definition: trustedJson<Definition>(),
  params: trustedJson<Params>(),
  fresh: flag,
  scheduled: flag,
})
const steps = recordsOf<PipelineStepsTable>()({ key_parts: trustedJson<KeyParts>() })
const cachedSteps = recordsOf<StepCacheTable>()({ tree: trustedJson<TreeEntry[]>() })
export type PipelineRecord = Read<typeof pipelines>
export type PipelineRunRecord = Read<typeof runs>
export type PipelineStepRecord = Read<typeof steps>
type CachedStepRecord = Read<typeof cachedSteps>

export async function findPipeline(ctx: Context, name: string): Promise<PipelineRecord | undefined> {
  const row = await tables(ctx).selectFrom('pipelines').selectAll().where('name', '=', name).executeTakeFirst()
  return row && pipelines.read(row)
}

export async function listPipelines(ctx: Context, after: string, limit: number): Promise<PipelineRecord[]> {
  const rows = await tables(ctx)
    .selectFrom('pipelines')
    .selectAll()
    .where('name', '>', after)
    .orderBy('name')
    .limit(limit)
    .execute()
  return rows.map(pipelines.read)
}

export async function savePipeline(ctx: Context, pipeline: PipelineRecord): Promise<void> {
  const row = pipelines.write(pipeline)
  const { name: _, ...values } = row
  await tables(ctx)
    .insertInto('pipelines')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute()
}

export async function insertRun(ctx: Context, run: PipelineRunRecord, planned: PipelineStepRecord[]): Promise<void> {
  await tables(ctx).insertInto('pipeline_runs').values(runs.write(run)).execute()
  await tables(ctx)
    .insertInto('pipeline_steps')
    .values(planned.map((step) => steps.write(step)))
    .execute()
  await tables(ctx).updateTable('pipelines').set({ last_run: run.id }).where('name', '=', run.pipeline).execute()
}

export async function findRun(ctx: Context, id: string): Promise<PipelineRunRecord | undefined> {
  const row = await tables(ctx).selectFrom('pipeline_runs').selectAll().where('id', '=', id).executeTakeFirst()
  return row && runs.read(row)
}

type Page = { pipeline: string | undefined; before: string | undefined; limit: number }

export async function listRuns(ctx: Context, { pipeline, before, limit }: Page): Promise<PipelineRunRecord[]> {
  let query = tables(ctx).selectFrom('pipeline_runs').selectAll().orderBy('id', 'desc').limit(limit)
  if (pipeline !== undefined) query = query.where('pipeline', '=', pipeline)
  if (before !== undefined) query = query.where('id', '<', before)
  return (await query.execute()).map(runs.read)
}

export async function updateRun(
  ctx: Context,
  id: string,
  values: Partial<Pick<PipelineRunsTable, 'state' | 'finished_at'>>,
): Promise<void> {
  await tables(ctx).updateTable('pipeline_runs').set(values).where('id', '=', id).execute()
}

export async function listSteps(ctx: Context, run: string): Promise<PipelineStepRecord[]> {
  const rows = await tables(ctx)
    .selectFrom('pipeline_steps')
    .selectAll()
    .where('pipeline_run', '=', run)
    .orderBy('position')
    .execute()
  return rows.map(steps.read)
}

export async function updateStep(
  ctx: Context,
  run: string,
  name: string,
  values: Partial<PipelineStepRecord>,
): Promise<void> {
  await tables(ctx)
    .updateTable('pipeline_steps')
    .set(steps.write(values))
    .where('pipeline_run', '=', run)
    .where('name', '=', name)
    .execute()
}

/** The newest earlier execution of a step of this pipeline that has a key. */
export async function earlierStep(
  ctx: Context,
  pipeline: string,
  run: string,
  name: string,
): Promise<PipelineStepRecord | undefined> {
  const row = await tables(ctx)
    .selectFrom('pipeline_steps')
    .innerJoin('pipeline_runs', 'pipeline_runs.id', 'pipeline_steps.pipeline_run')
    .selectAll('pipeline_steps')
    .where('pipeline_runs.pipeline', '=', pipeline)
    .where('pipeline_steps.name', '=', name)
    .where('pipeline_steps.pipeline_run', '<', run)
    .where('pipeline_steps.key_parts', 'is not', null)
    .orderBy('pipeline_steps.pipeline_run', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && steps.read(row)
}

export async function findCached(ctx: Context, key: string): Promise<CachedStepRecord | undefined> {
  const row = await tables(ctx).selectFrom('step_cache').selectAll().where('cache_key', '=', key).executeTakeFirst()
  return row && cachedSteps.read(row)
}

/** The first writer wins: a later result of the same key does not replace it. */
export async function saveCached(ctx: Context, step: CachedStepRecord): Promise<void> {
  await tables(ctx)
    .insertInto('step_cache')
    .values(cachedSteps.write(step))
    .onConflict((conflict) => conflict.column('cache_key').doNothing())
    .execute()
}
