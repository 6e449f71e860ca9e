import type { Context } from '../../core/context.ts'
import type { ExperimentsTable, LoggedModelsTable, RunsTable, RunsTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<RunsTables>()

export async function deletedExperiments(ctx: Context): Promise<ExperimentsTable[]> {
  return tables(ctx).selectFrom('experiments').selectAll().where('deleted', '=', 1).orderBy('id').execute()
}

/** Runs that were deleted themselves or with their experiment. */
export async function deletedRuns(ctx: Context, limit: number, after: number): Promise<RunsTable[]> {
  return tables(ctx)
    .selectFrom('runs')
    .selectAll()
    .where('deleted', '<>', 0)
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit)
    .execute()
}

export async function countRunsOf(ctx: Context, experiment: number): Promise<number> {
  const { n } = await tables(ctx)
    .selectFrom('runs')
    .select((eb) => eb.fn.countAll().as('n'))
    .where('experiment_id', '=', experiment)
    .executeTakeFirstOrThrow()
  return Number(n)
}

export async function modelsOfRun(ctx: Context, run: string): Promise<LoggedModelsTable[]> {
  return tables(ctx).selectFrom('logged_models').selectAll().where('source_run', '=', run).execute()
}

export async function modelsOfExperiment(ctx: Context, experiment: number): Promise<LoggedModelsTable[]> {
  return tables(ctx).selectFrom('logged_models').selectAll().where('experiment_id', '=', experiment).execute()
}

export async function removeRun(ctx: Context, { number, id }: RunsTable): Promise<void> {
  for (const table of ['metrics', 'latest_metrics', 'run_params', 'run_tags', 'run_inputs', 'run_outputs'] as const)
    await tables(ctx).deleteFrom(table).where('run', '=', number).execute()
  await tables(ctx).deleteFrom('logged_model_metrics').where('run_id', '=', id).execute()
  await tables(ctx).deleteFrom('runs').where('number', '=', number).execute()
}

export async function removeLoggedModel(ctx: Context, id: string): Promise<void> {
  await tables(ctx).deleteFrom('logged_model_metrics').where('model', '=', id).execute()
  await tables(ctx).deleteFrom('logged_model_pairs').where('model', '=', id).execute()
  await tables(ctx).deleteFrom('logged_models').where('id', '=', id).execute()
}

export async function removeExperiment(ctx: Context, id: number): Promise<void> {
  await tables(ctx).deleteFrom('experiment_tags').where('experiment_id', '=', id).execute()
  await tables(ctx).deleteFrom('input_datasets').where('experiment_id', '=', id).execute()
  await tables(ctx).deleteFrom('experiments').where('id', '=', id).execute()
}
