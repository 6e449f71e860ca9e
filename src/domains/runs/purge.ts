import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { mentions } from '../../core/text-references.ts'
import { transaction } from '../../core/transaction.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import type { runs } from './contract.ts'
import { append } from './events.ts'
import { flushJournal } from './metric-journal.ts'
import * as store from './purge-store.ts'
import type { LoggedModelsTable, RunsTable } from './schema.ts'

type Operations = typeof runs

/** Tables of runs themselves, and the names of their files: a reference in them does not keep a run from being purged. */
const ownTables = [
  'experiments',
  'experiment_tags',
  'runs',
  'run_params',
  'run_tags',
  'run_inputs',
  'run_outputs',
  'input_datasets',
  'logged_models',
  'logged_model_pairs',
  'logged_model_metrics',
  'metric_journal',
  'artifact_files',
  'artifact_folders',
  'import_marks',
]
const identifiers = { pattern: /[0-9a-f]{32}/, containing: '', except: ownTables }

/**
 * Removes deleted runs and experiments for good: their rows, logged models and files. A run that something else refers to,
 * such as a registered version, stays and is reported.
 */
export async function purge(
  ctx: Context,
  { apply = false }: Input<Operations['purge']>,
): Promise<Output<Operations['purge']>> {
  await flushJournal(ctx)
  const named = await mentions(ctx, identifiers)
  const result = { apply, runs: 0, experiments: 0, files: 0, bytes: 0, kept: [] as string[] }
  for (let after = -1; ; ) {
    const rows = await store.deletedRuns(ctx, 500, after)
    for (const run of rows) {
      after = run.number
      const models = await store.modelsOfRun(ctx, run.id)
      if ([run.id, ...models.map(bareId)].some((id) => named.has(id))) {
        if (result.kept.length < 1_000) result.kept.push(run.id)
        continue
      }
      const { files, bytes } = await sizeOf(ctx, run, models)
      result.runs += 1
      result.files += files
      result.bytes += bytes
      if (apply) await purgeRun(ctx, run, models)
    }
    if (rows.length < 500) break
  }
  for (const experiment of await store.deletedExperiments(ctx)) {
    const id = Number(experiment.id)
    const models = await store.modelsOfExperiment(ctx, id)
    const empty = !apply || (await store.countRunsOf(ctx, id)) === 0
    if (!empty || models.some((model) => named.has(bareId(model)))) continue
    result.experiments += 1
    if (apply) await purgeExperiment(ctx, { id, name: experiment.name }, models)
  }
  return result
}

function bareId({ id }: LoggedModelsTable): string {
  return id.replace(/^m-/, '')
}

async function sizeOf(ctx: Context, run: RunsTable, models: LoggedModelsTable[]) {
  let [files, bytes] = [0, 0]
  for (const path of [run, ...models].map(folderOf)) {
    if (path === undefined) continue
    for (const { size } of await artifacts.filesBelow(ctx, { path })) {
      files += 1
      bytes += size
    }
  }
  return { files, bytes }
}

/** The folder of a run or model in this server's storage; undefined when its files are elsewhere, or the folder is shared. */
function folderOf({ id, location }: { id: string; location: string }): string | undefined {
  const path = /^mlflow-artifacts:\/+(?!.*\/\/)(.+)$/.exec(location)?.[1]
  return path?.split('/').includes(id) ? path : undefined
}

async function purgeRun(ctx: Context, run: RunsTable, models: LoggedModelsTable[]): Promise<void> {
  await transaction(ctx, async (ctx) => {
    for (const model of models) await purgeModel(ctx, model)
    const path = folderOf(run)
    if (path !== undefined) await artifacts.deleteFiles(ctx, { path })
    await store.removeRun(ctx, run)
    await append(ctx, 'runs.purged', `run/${run.id}`, { experiment: String(run.experiment_id), name: run.name })
  })
}

async function purgeModel(ctx: Context, model: LoggedModelsTable): Promise<void> {
  const path = folderOf(model)
  if (path !== undefined) await artifacts.deleteFiles(ctx, { path })
  await store.removeLoggedModel(ctx, model.id)
}

async function purgeExperiment(
  ctx: Context,
  { id, name }: { id: number; name: string },
  models: LoggedModelsTable[],
): Promise<void> {
  await transaction(ctx, async (ctx) => {
    for (const model of models) await purgeModel(ctx, model)
    await store.removeExperiment(ctx, id)
    await append(ctx, 'runs.experiment_purged', `experiment/${id}`, { name })
  })
}
