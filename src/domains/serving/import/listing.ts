import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { AppError, conflict } from '../../../core/errors.ts'
import * as datasets from '../../datasets/datasets.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { serving } from '../contract.ts'
import type { Import, ModelImports } from '../import-shapes.ts'
import { nothing } from './found.ts'
import * as store from './import-store.ts'
import { importRows } from './look.ts'
import { isAskedFor, labelSetup, predictionSetup, saidLabels, saidPredictions } from './setup.ts'

type Operations = typeof serving

export async function listImports(
  ctx: Context,
  { model }: Input<Operations['listImports']>,
): Promise<Output<Operations['listImports']>> {
  const specs = model === undefined ? await registry.currentSpecs(ctx) : [await registry.requireSpec(ctx, model)]
  const items: ModelImports[] = []
  for (const spec of specs) {
    const described = await describe(ctx, spec)
    if (described.imports.length > 0 || model !== undefined) items.push(described)
  }
  return { items }
}

/** Predictions first: labels are looked for among them. */
export async function runImports(
  ctx: Context,
  { model }: Input<Operations['runImports']>,
): Promise<Output<Operations['runImports']>> {
  const spec = await registry.requireSpec(ctx, model)
  const sources = new Set(
    [predictionSetup(spec)?.source, labelSetup(spec)?.source].filter((name) => name !== undefined),
  )
  if (sources.size === 0)
    throw conflict(`The spec of "${model}" names no source of labels or predictions.`, {
      name: model,
      hint: `Say under "labels" or "predictions" in models/${model}.yaml where they come from.`,
    })
  for (const source of sources) await datasets.fetchSource(ctx, { source }).catch(whenMissing)
  await importRows(ctx, { model, what: 'predictions' })
  await importRows(ctx, { model, what: 'labels' })
  return describe(ctx, spec)
}

/** The look itself says that the source is not there. */
function whenMissing(error: unknown): void {
  if (!(error instanceof AppError) || error.code !== 'not_found') throw error
}

async function describe(ctx: Context, spec: ModelSpec): Promise<ModelImports> {
  const [labels, predictions] = [labelSetup(spec), predictionSetup(spec)]
  const imports: Import[] = []
  if (predictions)
    imports.push(await toImport(ctx, spec.model, 'predictions', predictions.source, saidPredictions(predictions)))
  if (labels) imports.push(await toImport(ctx, spec.model, 'labels', labels.source, saidLabels(spec)))
  return {
    model: spec.model,
    imports: imports.filter(({ what, at }) => what === 'predictions' || at !== null || (labels && isAskedFor(labels))),
  }
}

async function toImport(
  ctx: Context,
  model: string,
  what: Import['what'],
  source: string,
  how: string,
): Promise<Import> {
  const found = await store.findImport(ctx, model, what)
  const described = await sourceOf(ctx, source)
  const { last, all, waiting, nextAt, badRows } = found?.content ?? {
    last: nothing(),
    all: nothing(),
    waiting: 0,
    nextAt: null,
    badRows: [],
  }
  const cursor = Number(found?.cursor ?? 0)
  const fetched = described?.fetch
  return {
    what,
    source,
    how,
    at: found?.at ?? null,
    cursor,
    behind: Math.max(0, (described?.lastSeq ?? 0) - cursor),
    last,
    all,
    waiting,
    nextAt,
    badRows,
    problem: found?.problem ?? null,
    fetched: fetched ? { at: fetched.at, bad: fetched.bad, problem: fetched.problem } : null,
  }
}

async function sourceOf(ctx: Context, source: string) {
  try {
    return await datasets.getSource(ctx, { source })
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined
    throw error
  }
}

/** What does not come from its source, each with the reason. */
export async function importProblems(ctx: Context): Promise<{ model: string; what: string; problem: string }[]> {
  const rows = await store.listProblems(ctx)
  return rows.flatMap(({ model, what, problem }) => (problem === null ? [] : [{ model, what, problem }]))
}
