import { lookup as systemLookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import type { Context } from '../context.ts'
import { AppError, invalidInput } from '../errors.ts'
import { blockedRange } from './ranges.ts'
import { readBody } from './read-body.ts'

type Address = { address: string; family: number }

/** Every address of a name. A parameter so that a name which changes its address between two looks can be shown. */
export type Resolve = (hostname: string) => Promise<Address[]>

export type EgressRequest = {
  url: string
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** For all of it: looking up, connecting, sending and reading (default 15 s). */
  timeoutMilliseconds?: number
  /** A larger answer is cut off with an error (default 1 MiB). */
  maximumBytes?: number
  signal?: AbortSignal | undefined
}

/** The body is for the caller's own use; it must never be shown to whoever chose the address. */
export type EgressReply = { status: number; headers: Record<string, string>; body: Buffer }

const connectMilliseconds = 5_000
const resolveAll: Resolve = (hostname) => systemLookup(hostname, { all: true, verbatim: true })

/**
 * Refuses addresses that this server must not call, as far as their text tells. Hosts that the setting `egress` lists
 * may be private and need no TLS; everything else is public and https.
 */
export function checkDestination(ctx: Context, url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed) throw invalidInput(`"${url}" is not a URL.`, { name: url })
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:')
    throw invalidInput(`"${parsed.protocol}" is not called: only https.`, { name: parsed.protocol })
  if (parsed.username !== '' || parsed.password !== '')
    throw invalidInput('A URL that is called holds no user and no password.', { name: parsed.host })
  if (isListed(ctx, parsed)) return parsed
  if (parsed.protocol !== 'https:') throw refused(parsed, 'it is not https')
  const literal = hostOf(parsed)
  const range = isIP(literal) ? blockedRange(literal) : undefined
  if (range) throw refused(parsed, `it is ${range}`)
  return parsed
}

/**
 * One request to an address that somebody configured. The name is resolved once and the connection is made to that very
 * address, so a name that changes its mind leads nowhere else; redirects are answers, never followed.
 */
export async function send(ctx: Context, request: EgressRequest, resolve = resolveAll): Promise<EgressReply> {
  const url = checkDestination(ctx, request.url)
  const signals = [AbortSignal.timeout(request.timeoutMilliseconds ?? 15_000)]
  if (request.signal) signals.push(request.signal)
  const signal = AbortSignal.any(signals)
  const pinned = await unlessAborted(pin(ctx, url, resolve), signal, url)
  // Loaded at the first call: most servers call nobody, and all of them start.
  const { buildConnector, Client } = await import('undici')
  const client = new Client(url.origin, {
    connect: buildConnector({ lookup: pinnedLookup(pinned), timeout: connectMilliseconds }),
    pipelining: 0,
  })
  try {
    const { statusCode, headers, body } = await client.request({
      method: request.method ?? 'GET',
      path: `${url.pathname}${url.search}`,
      headers: request.headers ?? {},
      body: request.body ?? null,
      signal,
    })
    const limit = request.maximumBytes ?? 1024 * 1024
    const bytes = await readBody(body, limit, () => unanswered(url, `its answer is larger than ${limit} bytes`))
    return { status: statusCode, headers: flat(headers), body: bytes }
  } catch (error) {
    if (error instanceof AppError) throw error
    throw unanswered(url, signal.aborted ? 'it did not answer in time' : reasonOf(error), error)
  } finally {
    await client.destroy()
  }
}

async function pin(ctx: Context, url: URL, resolve: Resolve): Promise<Address> {
  const host = hostOf(url)
  const family = isIP(host)
  if (family !== 0) return { address: host, family }
  const addresses = await resolve(host).catch((error: unknown) => {
    throw unanswered(url, 'its name cannot be resolved', error)
  })
  if (!isListed(ctx, url)) {
    for (const { address } of addresses) {
      const range = blockedRange(address)
      if (range) throw refused(url, `its name leads to an address that is ${range}`)
    }
  }
  const first = addresses[0]
  if (!first) throw unanswered(url, 'its name has no address')
  return first
}

/** For connections that are kept: each new one looks the name up, and is made to an address that passed. */
export function guardedLookup(ctx: Context, url: URL, resolve = resolveAll): LookupFunction {
  return (hostname, options, callback) => {
    pin(ctx, url, resolve).then(
      (address) => pinnedLookup(address)(hostname, options, callback),
      (error: Error) => callback(error, ''),
    )
  }
}

function pinnedLookup({ address, family }: Address): LookupFunction {
  return (_hostname, options, callback) => {
    if (options.all) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
}

/** Whether the setting `egress` trusts it, as in `hooks.internal, 127.0.0.1:9000`: a host, or a host with one port. */
export function isListed(ctx: Context, url: URL): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const listed = ctx.config.egress.split(/[\s,]+/).filter((entry) => entry !== '')
  return listed.some((entry) => entry === url.hostname || entry === `${url.hostname}:${port}`)
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, url: URL): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(unanswered(url, 'it did not answer in time'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function flat(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]))
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code === '' ? 'the connection failed' : `the connection failed (${code})`
}

function refused(url: URL, why: string): AppError {
  return invalidInput(`"${url.host}" is not called: ${why}.`, {
    name: url.host,
    hint: `If it is yours, list it in the setting "egress" of the server: --egress ${url.host}.`,
  })
}

function unanswered(url: URL, why: string, cause?: unknown): AppError {
  return new AppError('upstream_failed', `"${url.host}" did not take the call: ${why}.`, { name: url.host, cause })
}
