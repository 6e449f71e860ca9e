import type { Context } from '../../core/context.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { digestOfJson } from '../../core/json/json.ts'
import { transaction } from '../../core/transaction.ts'
import * as runs from '../runs/runs.ts'
import { append } from './events.ts'
import * as store from './examples-store.ts'

export type ExampleSet = {
  id: string
  name: string
  tags: Record<string, string>
  experiments: string[]
  examples: number
  digest: string
  createdAt: number
  updatedAt: number
  createdBy: string | null
  updatedBy: string | null
}

export type ExampleContent = store.ExampleContent

export type Example = ExampleContent & { id: string; set: string; createdAt: number; updatedAt: number }

const userTag = 'mlflow.user'

async function experimentNumbers(ctx: Context, ids: readonly string[]): Promise<number[]> {
  for (const id of ids) await runs.getExperiment(ctx, { id })
  return ids.map(runs.experimentNumber)
}

type NewSet = { name: string; tags: Record<string, string>; experiments: readonly string[] }

export function createExampleSet(ctx: Context, { name, tags, experiments }: NewSet): Promise<ExampleSet> {
  return transaction(ctx, async (ctx) => {
    const numbers = await experimentNumbers(ctx, experiments)
    const now = ctx.now().getTime()
    const by = tags[userTag] ?? null
    const id = ctx.id('d').replace('_', '-')
    await store.saveSet(ctx, {
      id,
      name,
      tags,
      created_at: now,
      updated_at: now,
      created_by: by,
      updated_by: by,
    })
    await store.linkExperiments(ctx, id, numbers)
    await append(ctx, 'traces.example_set_created', `example-set/${id}`, { name })
    return getExampleSet(ctx, { id })
  })
}

async function requireSet(ctx: Context, id: string): Promise<store.ExampleSetRecord> {
  const row = await store.findSet(ctx, id)
  if (!row) throw notFound('Evaluation dataset', id)
  return row
}

export async function getExampleSet(ctx: Context, { id }: { id: string }): Promise<ExampleSet> {
  return toSet(ctx, await requireSet(ctx, id))
}

async function toSet(ctx: Context, row: store.ExampleSetRecord): Promise<ExampleSet> {
  const examples = await store.countExamples(ctx, row.id)
  return {
    id: row.id,
    name: row.name,
    tags: row.tags,
    experiments: (await store.experimentsOf(ctx, row.id)).map(String),
    examples,
    digest: digestOfJson([row.name, row.updated_at, examples]).slice('sha256:'.length, 'sha256:'.length + 8),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdBy: row.created_by,
    updatedBy: row.updated_by,
  }
}

export async function searchExampleSets(
  ctx: Context,
  query: store.SetQuery,
): Promise<{ sets: ExampleSet[]; more: boolean }> {
  const { rows, more } = await store.searchSets(ctx, query)
  const sets: ExampleSet[] = []
  for (const row of rows) sets.push(await toSet(ctx, row))
  return { sets, more }
}

export function deleteExampleSet(ctx: Context, { id }: { id: string }): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const { name } = await requireSet(ctx, id)
    await store.removeSet(ctx, id)
    await append(ctx, 'traces.example_set_deleted', `example-set/${id}`, { name })
  })
}

/** Sets tags; a tag whose value is null is removed. */
export function tagExampleSet(
  ctx: Context,
  { id, tags }: { id: string; tags: Record<string, string | null> },
): Promise<ExampleSet> {
  return transaction(ctx, async (ctx) => {
    const row = await requireSet(ctx, id)
    const merged = { ...row.tags, ...tags }
    const kept = Object.fromEntries(
      Object.entries(merged).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
    )
    const updated_at = ctx.now().getTime()
    await store.saveSet(ctx, {
      ...row,
      tags: kept,
      updated_at,
      updated_by: tags[userTag] ?? row.updated_by,
    })
    return getExampleSet(ctx, { id })
  })
}

type Links = { id: string; experiments: readonly string[] }

export function addToExperiments(ctx: Context, { id, experiments }: Links): Promise<ExampleSet> {
  return transaction(ctx, async (ctx) => {
    await requireSet(ctx, id)
    await store.linkExperiments(ctx, id, await experimentNumbers(ctx, experiments))
    return getExampleSet(ctx, { id })
  })
}

export function removeFromExperiments(ctx: Context, { id, experiments }: Links): Promise<ExampleSet> {
  return transaction(ctx, async (ctx) => {
    await requireSet(ctx, id)
    await store.unlinkExperiments(ctx, id, experiments.map(runs.experimentNumber))
    return getExampleSet(ctx, { id })
  })
}

const maxConcurrent = 10_000

/** One example for each input: saving the same input again merges the new content into the old. */
export function saveExamples(
  ctx: Context,
  { id, examples }: { id: string; examples: readonly ExampleContent[] },
): Promise<{ inserted: number; updated: number }> {
  if (examples.length > maxConcurrent)
    throw invalidInput(`At most ${maxConcurrent} records fit into one call.`, { name: 'records' })
  return transaction(ctx, async (ctx) => {
    const row = await requireSet(ctx, id)
    const digests = examples.map(({ inputs }) => digestOfJson(inputs))
    const known = new Map((await store.findExamples(ctx, id, digests)).map((one) => [one.input_digest, one]))
    const before = known.size
    const now = ctx.now().getTime()
    for (const [index, example] of examples.entries()) {
      const digest = digests[index] ?? ''
      const old = known.get(digest)
      known.set(digest, {
        id: old?.id ?? ctx.id('dr').replace('_', '-'),
        example_set: id,
        input_digest: digest,
        content: merged(old, example),
        created_at: old?.created_at ?? now,
        updated_at: now,
      })
    }
    await store.saveExamples(ctx, [...known.values()])
    const by = examples.findLast(({ tags }) => tags?.[userTag])?.tags?.[userTag]
    await store.saveSet(ctx, { ...row, updated_at: now, updated_by: by === undefined ? row.updated_by : String(by) })
    const inserted = known.size - before
    return { inserted, updated: examples.length - inserted }
  })
}

function merged(old: store.ExampleRecord | undefined, example: ExampleContent): ExampleContent {
  if (!old) return example
  const known = old.content
  return {
    ...known,
    ...(example.outputs === undefined ? {} : { outputs: example.outputs }),
    ...(example.source && !known.source ? { source: example.source } : {}),
    ...(example.expectations ? { expectations: { ...known.expectations, ...example.expectations } } : {}),
    ...(example.tags ? { tags: { ...known.tags, ...example.tags } } : {}),
  }
}

export async function listExamples(
  ctx: Context,
  { id, limit, cursor = '' }: { id: string; limit: number; cursor?: string | undefined },
): Promise<{ examples: Example[]; next: string | undefined }> {
  await requireSet(ctx, id)
  const rows = await store.listExamples(ctx, id, cursor, limit + 1)
  const shown = rows.slice(0, limit)
  return {
    examples: shown.map((row) => ({
      ...row.content,
      id: row.id,
      set: id,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    })),
    next: rows.length > limit ? shown.at(-1)?.id : undefined,
  }
}

export function deleteExamples(
  ctx: Context,
  { id, examples }: { id: string; examples: readonly string[] },
): Promise<number> {
  return transaction(ctx, async (ctx) => {
    const row = await requireSet(ctx, id)
    await store.saveSet(ctx, { ...row, updated_at: ctx.now().getTime() })
    return store.removeExamples(ctx, id, examples)
  })
}
