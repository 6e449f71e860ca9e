import { getJob as findJob, latestEvents, readEvents } from '../../core/background/background.ts'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import type { system } from './contract.ts'

type Operations = typeof system

type AuditLog = Output<Operations['events']>

export async function listEvents(
  ctx: Context,
  { after, limit = 100, ...filter }: Input<Operations['events']>,
): Promise<AuditLog> {
  const found =
    after === undefined
      ? await latestEvents(ctx, { limit, ...filter })
      : await readEvents(ctx, { after, limit, ...filter })
  const last = found.at(-1)
  return { items: found, ...(last && found.length === limit ? { next: String(last.seq) } : {}) }
}

export async function getJob(
  ctx: Context,
  { job }: Input<Operations['getJob']>,
): Promise<Output<Operations['getJob']>> {
  const found = await findJob(ctx, job)
  if (!found) throw notFound('Job', job)
  const { id, kind, state, runAt, attempts, progress, result, error } = found
  return { id, kind, state, runAt, attempts, progress, result, error }
}
