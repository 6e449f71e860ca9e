import type { Context } from '../../core/context.ts'
import { transaction } from '../../core/transaction.ts'
import type { InputDataset } from './input-dataset.ts'
import * as store from './inputs-store.ts'
import { checkActive } from './rules.ts'
import { requireRun } from './run-records.ts'

type Tags = { key: string; value: string }[]
export type RunInputs = { datasets: { dataset: InputDataset; tags: Tags }[]; models: string[] }
export type RunOutputs = { model: string; step: number }[]

/** The tag that says what an input is used for, such as "train". */
const contextTag = 'mlflow.data.context'

type Inputs = { run: string; datasets: { dataset: InputDataset; tags: Tags }[]; models: string[] }

/** The same dataset is stored once in an experiment; an input that is logged again keeps its first tags. */
export function logInputs(ctx: Context, { run, datasets, models }: Inputs): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const row = await requireRun(ctx, run)
    checkActive('Run', run, row.deleted !== 0)
    for (const { dataset, tags } of datasets) {
      const ref = await store.keepDataset(ctx, { id: ctx.id('dat'), experiment: row.experiment_id, ...dataset })
      const context = tags.find(({ key }) => key === contextTag)?.value ?? null
      await store.insertInput(ctx, { run: row.number, kind: 'dataset', ref, context, tags })
    }
    for (const ref of models)
      await store.insertInput(ctx, { run: row.number, kind: 'model', ref, context: null, tags: [] })
  })
}

export function logOutputs(ctx: Context, { run, models }: { run: string; models: RunOutputs }): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const row = await requireRun(ctx, run)
    checkActive('Run', run, row.deleted !== 0)
    for (const { model, step } of models) await store.insertOutput(ctx, { run: row.number, model, step })
  })
}

/** Inputs and outputs of each run, by the run's number. */
export async function inputsOf(
  ctx: Context,
  runs: number[],
): Promise<Map<number, { inputs: RunInputs; outputs: RunOutputs }>> {
  const found = new Map(runs.map((run) => [run, { inputs: { datasets: [], models: [] }, outputs: [] } as RunLinks]))
  for (const row of await store.inputs(ctx, runs)) {
    const inputs = found.get(row.run)?.inputs
    if (row.kind === 'model') inputs?.models.push(row.ref)
    else inputs?.datasets.push({ dataset: toDataset(row), tags: row.tags })
  }
  for (const { run, model, step } of await store.outputs(ctx, runs))
    found.get(Number(run))?.outputs.push({ model, step: Number(step) })
  return found
}

/** The datasets that a run's client said it read, with what each was for. */
export async function datasetsOf(
  ctx: Context,
  run: string,
): Promise<{ dataset: InputDataset; context: string | undefined }[]> {
  const { number } = await requireRun(ctx, run)
  const datasets = (await inputsOf(ctx, [number])).get(number)?.inputs.datasets ?? []
  return datasets.map(({ dataset, tags }) => ({ dataset, context: tags.find(({ key }) => key === contextTag)?.value }))
}

type RunLinks = { inputs: RunInputs; outputs: RunOutputs }

function toDataset(row: store.InputRow): InputDataset {
  return {
    name: row.name ?? '',
    digest: row.digest ?? '',
    sourceType: row.source_type ?? '',
    source: row.source ?? '',
    schema: row.schema,
    profile: row.profile,
  }
}
