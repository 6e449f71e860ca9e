import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { hour } from '../../core/duration.ts'
import type { JobInput, JobOutput, JobTools } from '../../core/job-contract.ts'
import type { Blob } from '../../core/storage/storage.ts'
import { mentions } from '../../core/text-references.ts'
import { transaction } from '../../core/transaction.ts'
import type { artifacts } from './contract.ts'
import { append } from './events.ts'
import * as store from './garbage-store.ts'
import { enqueue, type jobs } from './jobs.ts'
import type { ArtifactRecord } from './store.ts'
import { dropStaleUploads } from './uploads.ts'

type Operations = typeof artifacts
type Kind = (typeof jobs)['artifacts.gc']

const digests = { pattern: /sha256:[0-9a-f]{64}/, containing: 'sha256:' }
/** Manifests hold their files only while somebody names them; a tombstone holds nothing. */
const notHolding = ['artifacts', 'blob_tombstones']

export async function collectGarbage(
  ctx: Context,
  { apply = false, graceHours = 168 }: Input<Operations['collectGarbage']>,
): Promise<Output<Operations['collectGarbage']>> {
  return { job: await enqueue(ctx, { kind: 'artifacts.gc', payload: { apply, graceHours }, maxAttempts: 1 }) }
}

type Reachable = { blobs: Set<string>; garbage: ArtifactRecord[] }

/** What somebody names, with all that it holds. An artifact that nobody names stays for the time of grace. */
async function reachable(ctx: Context, graceHours: number): Promise<Reachable> {
  const named = await mentions(ctx, { ...digests, except: notHolding })
  const blobs = new Set(named)
  const garbage: ArtifactRecord[] = []
  const young = new Date(ctx.now().getTime() - graceHours * hour).toISOString()
  for (const row of await store.allArtifacts(ctx)) {
    const kept = named.has(row.digest) || row.created_at > young
    if (kept) for (const { digest } of row.files) blobs.add(digest)
    else garbage.push(row)
  }
  return { blobs, garbage }
}

/**
 * Removes bytes that nobody names, in two visits: the first puts a tombstone on them, a later one, after the time of
 * grace, looks again inside a transaction and removes them. Bytes that were put again meanwhile start anew.
 */
export async function gc(
  ctx: Context,
  { apply, graceHours }: JobInput<Kind>,
  { report }: Pick<JobTools, 'report'>,
): Promise<JobOutput<Kind>> {
  const started = ctx.clock.wall()
  const cutoff = started - graceHours * hour
  const { blobs, garbage } = await reachable(ctx, graceHours)
  const marks = new Map((await store.tombstones(ctx)).map((row) => [row.digest, row.marked_at]))
  const total = { kept: 0, keptBytes: 0, unnamed: 0, unnamedBytes: 0, removed: 0, removedBytes: 0 }
  const ripe: Blob[] = []
  let seen = 0
  for await (const { digest, size, storedAt } of ctx.blobs.list()) {
    seen += 1
    if (seen % 1_000 === 0) await report({ done: seen, total: seen, note: 'blobs looked at' })
    if (blobs.has(digest)) {
      if (marks.has(digest)) await store.unbury(ctx, digest)
      total.kept += 1
      total.keptBytes += size
      continue
    }
    total.unnamed += 1
    total.unnamedBytes += size
    if (!apply) continue
    const marked = marks.get(digest) ?? started
    if (marked <= cutoff && storedAt.getTime() <= Math.max(cutoff, marked)) ripe.push({ digest, size })
    else await store.bury(ctx, { digest, size, marked_at: marked })
  }
  for (const { digest, size } of ripe.length > 0 ? await release(ctx, ripe, graceHours) : []) {
    await ctx.blobs.remove(digest)
    total.removed += 1
    total.removedBytes += size
  }
  const uploads = apply ? await dropStaleUploads(ctx) : 0
  if (apply) await dropArtifacts(ctx, garbage, graceHours)
  if (apply)
    await append(ctx, 'artifacts.garbage_collected', 'artifacts', { ...total, artifacts: garbage.length, uploads })
  return { apply, graceHours, ...total, artifacts: garbage.length, uploads }
}

/** Looks once more, in the transaction that takes the tombstones away; what somebody names by now is left out. */
function release(ctx: Context, ripe: Blob[], graceHours: number): Promise<Blob[]> {
  return transaction(ctx, async (ctx) => {
    const { blobs } = await reachable(ctx, graceHours)
    for (const { digest } of ripe) await store.unbury(ctx, digest)
    return ripe.filter(({ digest }) => !blobs.has(digest))
  })
}

async function dropArtifacts(ctx: Context, garbage: ArtifactRecord[], graceHours: number): Promise<void> {
  if (garbage.length === 0) return
  await transaction(ctx, async (ctx) => {
    const still = new Set((await reachable(ctx, graceHours)).garbage.map(({ digest }) => digest))
    for (const { digest } of garbage) if (still.has(digest)) await store.removeArtifact(ctx, digest)
  })
}
