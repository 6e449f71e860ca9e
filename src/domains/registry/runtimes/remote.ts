import { readEnvironment } from '../../../core/config.ts'
import type { Context } from '../../../core/context.ts'
import { milliseconds } from '../../../core/duration.ts'
import { checkDestination, isListed } from '../../../core/egress/egress.ts'
import { AppError } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type { Upstream, UpstreamReply } from '../../../core/upstream/upstream.ts'
import type { Limits, Run, UpstreamSpec } from '../spec/spec.ts'
import { dialects } from './dialects.ts'
import type { CallOptions } from './runtime.ts'

const defaultTimeout = '10s'
export function timeoutOf(limits: Limits | undefined): number {
  return milliseconds(limits?.timeout ?? defaultTimeout)
}

type Target = { speaks: Run | UpstreamSpec; model: string; limits: Limits | undefined; headers: Record<string, string> }

/** Predicts rows in the protocol of the remote model. A prediction changes nothing there, so a request may be repeated. */
export async function predictRemotely(
  upstream: Upstream,
  { speaks, model, limits, headers }: Target,
  rows: Row[],
  asking: CallOptions,
): Promise<Value[]> {
  if (rows.length === 0) return []
  const dialect = dialects[speaks.protocol]
  const { path, body } = dialect.ask(model, rows)
  const reply = await upstream.call({
    method: 'POST',
    path,
    headers: {
      'content-type': 'application/json',
      ...headers,
      ...(asking.shadow === true ? { 'x-shadow': '1' } : {}),
    },
    body,
    timeoutMilliseconds: asking.milliseconds ?? timeoutOf(limits),
    signal: asking.signal,
    idempotent: asking.shadow !== true,
  })
  if (reply.status !== 200) throw refused(model, reply)
  return dialect.read(parsed(model, reply.body), rows.length)
}

/** Statuses by which a server says that its model broke on these rows, and not that it is busy or closed to us. */
const aboutRows: ReadonlySet<number> = new Set([400, 413, 422, 500])

/** The error for a status. The body is not shown: it may hold what the caller must not see. */
function refused(model: string, { status }: UpstreamReply): AppError {
  const message = `The server of "${model}" answered with status ${status}.`
  const cause = aboutRows.has(status) ? new Error(`status ${status}`) : undefined
  return new AppError('upstream_failed', message, { name: model, cause })
}

function parsed(model: string, body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new AppError('upstream_failed', `The server of "${model}" did not answer with JSON.`, { name: model, cause })
  }
}

/** The key is read from the environment at the last moment, and goes only to hosts that the server's setting lists. */
export function keyHeader(ctx: Context, url: string, key: string | undefined): Record<string, string> {
  if (key === undefined) return {}
  const destination = checkDestination(ctx, url)
  if (!isListed(ctx, destination)) {
    throw new AppError('refused_by_policy', `The key "${key}" is not sent to "${destination.host}".`, {
      name: destination.host,
      hint: `List the host in the setting "egress" of the server: --egress ${destination.host}.`,
    })
  }
  const secret = readEnvironment()[key]
  if (secret !== undefined && secret !== '') return { authorization: `Bearer ${secret}` }
  throw new AppError('refused_by_policy', `The server's environment has no "${key}".`, {
    name: key,
    hint: 'Start the server with that variable set.',
  })
}
