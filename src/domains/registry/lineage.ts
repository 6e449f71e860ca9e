import type { Context } from '../../core/context.ts'
import type { Output } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import * as datasets from '../datasets/datasets.ts'
import * as features from '../features/features.ts'
import * as runs from '../runs/runs.ts'
import type { registry } from './contract.ts'
import type { VersionRecord } from './store.ts'

type Lineage = Output<(typeof registry)['lineage']>
type Node = Lineage['nodes'][number]

/** Walks from a version to everything it was made from. Taint is computed now, so vetting a source clears what it touched. */
export async function lineageOf(ctx: Context, row: VersionRecord): Promise<Lineage> {
  const nodes: Node[] = []
  const edges: Lineage['edges'] = []
  const tainted = new Set<string>()
  const top = `${row.model}@${row.version}`

  function add(node: Node, feeds: string): void {
    if (!nodes.some(({ kind, name }) => kind === node.kind && name === node.name)) nodes.push(node)
    if (!edges.some(({ from, to }) => from === node.name && to === feeds)) edges.push({ from: node.name, to: feeds })
  }

  async function addSource(name: string, feeds: string): Promise<void> {
    const source = await orUndefined(datasets.describeSource(ctx, name))
    const vetted = source?.vetted ?? false
    if (!vetted) tainted.add(name)
    add({ kind: 'source', name, detail: source ? `owner ${source.definition.owner}` : 'not registered', vetted }, feeds)
  }

  async function addService(name: string, feeds: string): Promise<void> {
    const sources = await orUndefined(features.sourcesOf(ctx, name))
    if (!sources) tainted.add(name)
    add({ kind: 'feature_service', name, detail: sources ? 'features' : 'not defined any more' }, feeds)
    for (const source of sources ?? []) await addSource(source, name)
  }

  nodes.push({ kind: 'model_version', name: top, detail: row.description })
  if (row.artifact !== null) add({ kind: 'artifact', name: row.artifact, detail: row.flavor }, top)
  if (row.code !== null) add({ kind: 'code', name: row.code, detail: 'code digest' }, top)
  if (row.run_id !== null) add({ kind: 'run', name: row.run_id, detail: 'tracking run' }, top)
  if (row.training_set !== null) {
    const set = await features.getTrainingSet(ctx, { trainingSet: row.training_set })
    add(
      {
        kind: 'training_set',
        name: set.id,
        detail: `${set.rows} rows, ${set.service === null ? 'joined elsewhere' : `as of ${set.asOf}`}, ${set.digest}`,
        vetted: set.vetted,
      },
      top,
    )
    if (set.source !== null) await addSource(set.source, set.id)
    if (set.service !== null) await addService(set.service, set.id)
  }
  if (row.service !== null) await addService(row.service, top)
  for (const source of row.sources) await addSource(source, top)
  return { nodes, edges, tainted: [...tainted].sort() }
}

/** The same with what the run's client said that it read. That is no source of ours, so it says nothing of taint. */
export async function wholeLineageOf(ctx: Context, row: VersionRecord): Promise<Lineage> {
  const found = await lineageOf(ctx, row)
  if (row.run_id === null) return found
  const run = row.run_id
  const named = (await orUndefined(runs.datasetsOf(ctx, run))) ?? []
  const datasets = named
    .map(
      ({ dataset: { name, digest, sourceType }, context }): Node => ({
        kind: 'dataset',
        name: `${name} (${digest})`,
        detail: [context === undefined ? 'read by the run' : `read for ${context}`, sourceType]
          .filter(Boolean)
          .join(', '),
      }),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    ...found,
    nodes: [...found.nodes, ...datasets],
    edges: [...found.edges, ...datasets.map(({ name }) => ({ from: name, to: run }))],
  }
}

/** Undefined for something that was removed since: it is unknown, and so not vetted. */
async function orUndefined<T>(lookup: Promise<T>): Promise<T | undefined> {
  try {
    return await lookup
  } catch (error) {
    if (error instanceof AppError && (error.code === 'not_found' || error.code === 'invalid_input')) return undefined
    throw error
  }
}
