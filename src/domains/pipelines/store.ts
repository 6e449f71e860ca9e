import type { Context } from '../../core/context.ts'
import type {
  PipelineRunsTable,
  PipelineStepsTable,
  PipelinesTable,
  PipelinesTables,
  StepCacheTable,
} from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<PipelinesTables>()

export async function findPipeline(ctx: Context, name: string): Promise<PipelinesTable | undefined> {
  return tables(ctx).selectFrom('pipelines').selectAll().where('name', '=', name).executeTakeFirst()
}

export async function listPipelines(ctx: Context, after: string, limit: number): Promise<PipelinesTable[]> {
  return tables(ctx)
    .selectFrom('pipelines')
    .selectAll()
    .where('name', '>', after)
    .orderBy('name')
    .limit(limit)
    .execute()
}

export async function savePipeline(ctx: Context, row: PipelinesTable): Promise<void> {
  const { name: _, ...values } = row
  await tables(ctx)
    .insertInto('pipelines')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute()
}

export async function insertRun(ctx: Context, run: PipelineRunsTable, steps: PipelineStepsTable[]): Promise<void> {
  await tables(ctx).insertInto('pipeline_runs').values(run).execute()
  await tables(ctx).insertInto('pipeline_steps').values(steps).execute()
  await tables(ctx).updateTable('pipelines').set({ last_run: run.id }).where('name', '=', run.pipeline).execute()
}

export async function findRun(ctx: Context, id: string): Promise<PipelineRunsTable | undefined> {
  return tables(ctx).selectFrom('pipeline_runs').selectAll().where('id', '=', id).executeTakeFirst()
}

type Page = { pipeline: string | undefined; before: string | undefined; limit: number }

export async function listRuns(ctx: Context, { pipeline, before, limit }: Page): Promise<PipelineRunsTable[]> {
  let query = tables(ctx).selectFrom('pipeline_runs').selectAll().orderBy('id', 'desc').limit(limit)
  if (pipeline !== undefined) query = query.where('pipeline', '=', pipeline)
  if (before !== undefined) query = query.where('id', '<', before)
  return query.execute()
}

export async function updateRun(ctx: Context, id: string, values: Partial<PipelineRunsTable>): Promise<void> {
  await tables(ctx).updateTable('pipeline_runs').set(values).where('id', '=', id).execute()
}

export async function listSteps(ctx: Context, run: string): Promise<PipelineStepsTable[]> {
  return tables(ctx)
    .selectFrom('pipeline_steps')
    .selectAll()
    .where('pipeline_run', '=', run)
    .orderBy('position')
    .execute()
}

export async function updateStep(
  ctx: Context,
  run: string,
  name: string,
  values: Partial<PipelineStepsTable>,
): Promise<void> {
  await tables(ctx)
    .updateTable('pipeline_steps')
    .set(values)
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
): Promise<PipelineStepsTable | undefined> {
  return tables(ctx)
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
}

export async function findCached(ctx: Context, key: string): Promise<StepCacheTable | undefined> {
  return tables(ctx).selectFrom('step_cache').selectAll().where('cache_key', '=', key).executeTakeFirst()
}

/** The first writer wins: a later result of the same key does not replace it. */
export async function saveCached(ctx: Context, row: StepCacheTable): Promise<void> {
  await tables(ctx)
    .insertInto('step_cache')
    .values(row)
    .onConflict((conflict) => conflict.column('cache_key').doNothing())
    .execute()
}
