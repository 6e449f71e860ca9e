import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import { openUpstream } from '../../../core/upstream/upstream.ts'
import type { VersionsTable } from '../schema.ts'
import type { Limits, UpstreamSpec } from '../spec/spec.ts'
import { askRemotely, keyHeader } from './remote.ts'
import type { Runtime } from './runtime.ts'

type Elsewhere = { upstream: UpstreamSpec; limits: Limits | undefined }

/** A version that something else answers; `{version}` in its name there stands for the version's number. */
export async function openElsewhere(
  ctx: Context,
  { model, version }: VersionsTable,
  { upstream, limits }: Elsewhere,
): Promise<Runtime> {
  const { urls, key } = upstream
  const headers = Object.assign({}, ...urls.map((url) => keyHeader(ctx, url, key)))
  const connect = limits?.connect === undefined ? {} : { connectMilliseconds: milliseconds(limits.connect) }
  const connections = limits?.concurrency === undefined ? {} : { connections: limits.concurrency }
  const there = await openUpstream(ctx, { urls, ...connect, ...connections })
  const target = {
    speaks: upstream,
    model: (upstream.model ?? model).replaceAll('{version}', String(version)),
    limits,
    headers,
  }
  return {
    predict: (rows, asking = {}) => askRemotely(there, target, rows, asking),
    state() {
      const instances = there.state()
      return { kind: 'upstream', ready: instances.some(({ state }) => state !== 'open'), instances }
    },
    close: () => there.close(),
  }
}
