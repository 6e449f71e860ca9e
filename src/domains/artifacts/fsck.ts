import type { Context } from '../../core/context.ts'
import type { Output } from '../../core/contract.ts'
import type { JobOutput, JobTools } from '../../core/job-contract.ts'
import { mentions } from '../../core/text-references.ts'
import type { artifacts } from './contract.ts'
import { allFiles } from './files-store.ts'
import { allArtifacts } from './garbage-store.ts'
import { enqueue, type jobs } from './jobs.ts'

type Operations = typeof artifacts

const maxNames = 1_000

export async function checkStore(ctx: Context): Promise<Output<Operations['checkStore']>> {
  return { job: await enqueue(ctx, { kind: 'artifacts.fsck', maxAttempts: 1 }) }
}

/** Re-hashes every blob and looks for every file that an artifact or a name promises. Changes nothing. */
export async function fsck(
  ctx: Context,
  _payload: object,
  tools: JobTools,
): Promise<JobOutput<(typeof jobs)['artifacts.fsck']>> {
  const promised = await promises(ctx)
  const named = await mentions(ctx, {
    pattern: /sha256:[0-9a-f]{64}/,
    containing: 'sha256:',
    except: ['blob_tombstones'],
  })
  const [damaged, orphans]: [string[], string[]] = [[], []]
  let [checked, bytes, orphanBytes] = [0, 0, 0]
  for await (const { digest, size } of ctx.blobs.list()) {
    tools.signal.throwIfAborted()
    if (!(await ctx.blobs.verify(digest))) damaged.push(digest)
    if (!named.has(digest)) {
      orphans.push(digest)
      orphanBytes += size
    }
    promised.delete(digest)
    checked += 1
    bytes += size
    if (checked % 100 === 0) await tools.report({ done: checked, total: checked, note: 'blobs verified' })
  }
  const missing = [...promised].map(([digest, where]) => ({ digest, where }))
  return {
    ok: damaged.length === 0 && missing.length === 0,
    checked,
    bytes,
    damaged: damaged.slice(0, maxNames),
    missing: missing.slice(0, maxNames),
    orphans: orphans.length,
    orphanBytes,
  }
}

/** Digest -> where it is promised, for everything that must be there. */
async function promises(ctx: Context): Promise<Map<string, string>> {
  const promised = new Map<string, string>()
  for (const row of await allArtifacts(ctx))
    for (const { digest, path } of row.files) promised.set(digest, `${row.digest}: ${path}`)
  for (const { digest, path } of await allFiles(ctx)) promised.set(digest, path)
  return promised
}
