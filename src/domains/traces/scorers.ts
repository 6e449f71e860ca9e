import type { Context } from '../../core/context.ts'
import { notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import * as runs from '../runs/runs.ts'
import { append } from './events.ts'
import type { ScorersTable } from './schema.ts'
import * as store from './scorers-store.ts'

/** A client's scorer: its code as the client wrote it, in versions; stored, never run here. */
export type Scorer = {
  id: string
  experiment: string
  name: string
  version: number
  content: string
  createdAt: number
}

function toScorer(row: ScorersTable): Scorer {
  return {
    id: row.id,
    experiment: String(row.experiment_id),
    name: row.name,
    version: row.version,
    content: row.content,
    createdAt: row.created_at,
  }
}

/** Versions are dense while none is deleted: 1, 2, 3 …; all versions of a name share one id. */
export function registerScorer(
  ctx: Context,
  { experiment, name, content }: Pick<Scorer, 'experiment' | 'name' | 'content'>,
): Promise<Scorer> {
  return transaction(ctx, async (ctx) => {
    await runs.getExperiment(ctx, { id: experiment })
    const number = runs.experimentNumber(experiment)
    const latest = (await store.listScorers(ctx, number, name)).at(-1)
    const row = {
      id: latest?.id ?? ctx.id('scorer'),
      experiment_id: number,
      name,
      version: Number(latest?.version ?? 0) + 1,
      content,
      created_at: ctx.now().getTime(),
    }
    await store.insertScorer(ctx, row)
    await append(ctx, 'traces.scorer_registered', `scorer/${name}`, { version: row.version })
    return toScorer(row)
  })
}

/** The newest version of each name. */
export async function listScorers(ctx: Context, { experiment }: { experiment: string }): Promise<Scorer[]> {
  const rows = await store.listScorers(ctx, runs.experimentNumber(experiment))
  return [...new Map(rows.map((row) => [row.name, row])).values()].map(toScorer)
}

export async function listScorerVersions(
  ctx: Context,
  { experiment, name }: { experiment: string; name: string },
): Promise<Scorer[]> {
  const rows = await store.listScorers(ctx, runs.experimentNumber(experiment), name)
  if (rows.length === 0) throw notFound('Scorer', name)
  return rows.map(toScorer)
}

type ScorerVersion = { experiment: string; name: string; version?: number | undefined }

export async function getScorer(ctx: Context, { experiment, name, version }: ScorerVersion): Promise<Scorer> {
  const versions = await listScorerVersions(ctx, { experiment, name })
  const found = version === undefined ? versions.at(-1) : versions.find((one) => one.version === version)
  if (!found) throw notFound('Scorer version', `${name}/${version}`)
  return found
}

export function deleteScorer(ctx: Context, { experiment, name, version }: ScorerVersion): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const removed = await store.removeScorer(ctx, runs.experimentNumber(experiment), name, version)
    if (removed === 0) throw notFound('Scorer', version === undefined ? name : `${name}/${version}`)
    await append(ctx, 'traces.scorer_deleted', `scorer/${name}`, { versions: removed })
  })
}
