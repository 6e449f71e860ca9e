import type { Context } from '../../core/context.ts'
import { type Read, recordsOf, trustedJson } from '../../core/database/database.ts'
import type { InputDataset } from './input-dataset.ts'
import type { RunInputsTable, RunsTables } from './schema.ts'

const tables = (ctx: Context) => ctx.db.withTables<RunsTables>()

const runInputs = recordsOf<RunInputsTable>()({ tags: trustedJson<{ key: string; value: string }[]>() })

/** The id of a dataset of an experiment, which is written when it is new. */
export async function keepDataset(
  ctx: Context,
  { id, experiment, ...dataset }: InputDataset & { id: string; experiment: number },
): Promise<string> {
  await tables(ctx)
    .insertInto('input_datasets')
    .values({
      id,
      experiment_id: experiment,
      name: dataset.name,
      digest: dataset.digest,
      source_type: dataset.sourceType,
      source: dataset.source,
      schema: dataset.schema,
      profile: dataset.profile,
    })
    .onConflict((conflict) => conflict.columns(['experiment_id', 'name', 'digest']).doNothing())
    .execute()
  const row = await tables(ctx)
    .selectFrom('input_datasets')
    .select('id')
    .where('experiment_id', '=', experiment)
    .where('name', '=', dataset.name)
    .where('digest', '=', dataset.digest)
    .executeTakeFirstOrThrow()
  return row.id
}

export async function insertInput(ctx: Context, input: Read<typeof runInputs>): Promise<void> {
  await tables(ctx)
    .insertInto('run_inputs')
    .values(runInputs.write(input))
    .onConflict((conflict) => conflict.columns(['run', 'kind', 'ref']).doNothing())
    .execute()
}

export async function insertOutput(ctx: Context, row: { run: number; model: string; step: number }): Promise<void> {
  await tables(ctx)
    .insertInto('run_outputs')
    .values(row)
    .onConflict((conflict) => conflict.columns(['run', 'model', 'step']).doNothing())
    .execute()
}

export type InputRow = Awaited<ReturnType<typeof inputs>>[number]

export async function inputs(ctx: Context, runs: number[]) {
  if (runs.length === 0) return []
  const rows = await tables(ctx)
    .selectFrom('run_inputs')
    .leftJoin('input_datasets', 'input_datasets.id', 'run_inputs.ref')
    .select(['run', 'kind', 'ref', 'context', 'tags', 'name', 'digest', 'source_type', 'source', 'schema', 'profile'])
    .where('run', 'in', runs)
    .orderBy('run')
    .orderBy('ref')
    .execute()
  return rows.map((row) => ({ ...row, ...runInputs.read(row) }))
}

export async function outputs(ctx: Context, runs: number[]) {
  if (runs.length === 0) return []
  return tables(ctx).selectFrom('run_outputs').selectAll().where('run', 'in', runs).orderBy('model').execute()
}
