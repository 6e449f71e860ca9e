import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import { openUpstream } from '../../../core/upstream/upstream.ts'
import type { Limits, UpstreamSpec } from '../spec/spec.ts'
import type { VersionRecord } from '../store.ts'
import { keyHeader, predictRemotely } from './remote.ts'
import type { Runtime } from './runtime.ts'

type UpstreamOptions = { upstream: UpstreamSpec; limits: Limits | undefined }

/** Opens a version that an upstream answers; `{version}` in its name there stands for the version's number. */
export async function openUpstreamVersion(
  ctx: Context,
  { model, version }: VersionRecord,
  { upstream, limits }: UpstreamOptions,
): Promise<Runtime> {
  const { urls, key } = upstream
  const headers = Object.assign({}, ...urls.map((url) => keyHeader(ctx, url, key)))
  const connect = limits?.connect === undefined ? {} : { connectMilliseconds: milliseconds(limits.connect) }
  const connections = limits?.concurrency === undefined ? {} : { connections: limits.concurrency }
  const upstreamClient = await openUpstream(ctx, { urls, ...connect, ...connections })
  const target = {
    speaks: upstream,
    model: (upstream.model ?? model).replaceAll('{version}', String(version)),
    limits,
    headers,
  }
  return {
    predict: (rows, asking = {}) => predictRemotely(upstreamClient, target, rows, asking),
    state() {
      const instances = upstreamClient.state()
      return { kind: 'upstream', ready: instances.some(({ state }) => state !== 'open'), instances }
    },
    close: () => upstreamClient.close(),
  }
}
