import type { Contract, Input, Operation, Output } from '../core/contract.ts'
import { exactJson, parseExactJson } from '../core/json/json.ts'

/** What a caller needs to know at run time of an operation; its shapes are types only. */
export type Route = Pick<Operation, 'method' | 'path' | 'body' | 'reply'>
export type Routes = Record<string, Record<string, Route>>

/** What can be sent as the bytes of an upload. */
export type Bytes = string | Uint8Array<ArrayBuffer> | Blob | ReadableStream

/** What may be left out may also be given as undefined: it is not sent. */
type InputOf<Fields> = {
  [Key in keyof Fields]: Record<never, never> extends Pick<Fields, Key> ? Fields[Key] | undefined : Fields[Key]
}

type Call<O extends Operation> = O extends { body: 'bytes' }
  ? (input: InputOf<Input<O>>, body: Bytes) => Promise<Output<O>>
  : O extends { reply: 'bytes' }
    ? (input: InputOf<Input<O>>) => Promise<Response>
    : (input: InputOf<Input<O>>) => Promise<Output<O>>

export type Client<Api extends Record<string, Contract>> = {
  [Domain in keyof Api]: { [Name in keyof Api[Domain]]: Call<Api[Domain][Name]> }
}

export type ProblemBody = {
  code: string
  status: number
  detail: string
  hint?: string
  name?: string
  issues?: { path: string; message: string }[]
  requestId?: string
}

/** What the server answered instead of a result. */
export class ProblemError extends Error {
  readonly problem: ProblemBody

  constructor(problem: ProblemBody) {
    super(problem.detail)
    this.name = 'ProblemError'
    this.problem = problem
  }
}

export type Connection = { url: string; token?: string | undefined; fetch?: typeof fetch; signal?: AbortSignal }

/** The typed client: `client.registry.setAlias({ … })`. Throws ProblemError for what the server refuses. */
export function createClient<Api extends Record<string, Contract>>(
  routes: Routes,
  connection: Connection,
): Client<Api> {
  const client: Record<string, Record<string, unknown>> = {}
  for (const [domain, operations] of Object.entries(routes)) {
    client[domain] = {}
    for (const [name, route] of Object.entries(operations)) {
      client[domain][name] = (input: Record<string, unknown> = {}, body?: Bytes) => call(connection, route, input, body)
    }
  }
  return client as Client<Api>
}

async function call(
  connection: Connection,
  route: Route,
  input: Record<string, unknown>,
  bytes?: Bytes,
): Promise<unknown> {
  const rest = { ...input }
  const path = route.path.replaceAll(/:([A-Za-z]+)/g, (_whole, key: string) => {
    const value = rest[key]
    delete rest[key]
    return encodeURIComponent(String(value))
  })
  const inUrl = route.method === 'GET' || route.method === 'DELETE' || route.body === 'bytes'
  const query = inUrl ? queryOf(rest) : ''
  const headers: Record<string, string> = {}
  if (connection.token) headers['authorization'] = `Bearer ${connection.token}`
  if (bytes !== undefined) headers['content-type'] = 'application/octet-stream'
  else if (!inUrl) headers['content-type'] = 'application/json'
  const streams = bytes instanceof ReadableStream ? { duplex: 'half' as const } : {}
  const payload = bytes ?? (inUrl ? undefined : exactJson(rest))
  const response = await (connection.fetch ?? fetch)(`${connection.url}/api/v1${path}${query}`, {
    method: route.method,
    headers,
    ...(payload === undefined ? {} : { body: payload }),
    ...streams,
    ...(connection.signal ? { signal: connection.signal } : {}),
  })
  if (!response.ok) throw new ProblemError(await problemOf(response))
  return route.reply === 'bytes' ? response : parseExactJson(await response.text())
}

function queryOf(rest: Record<string, unknown>): string {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(rest)) {
    if (value === undefined) continue
    for (const item of Array.isArray(value) ? value : [value]) query.append(key, String(item))
  }
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

async function problemOf(response: Response): Promise<ProblemBody> {
  const text = await response.text()
  try {
    const body = JSON.parse(text) as Partial<ProblemBody>
    if (typeof body.code === 'string') return { status: response.status, detail: '', ...body } as ProblemBody
  } catch {
    return { code: 'internal', status: response.status, detail: text.slice(0, 500) }
  }
  return { code: 'internal', status: response.status, detail: text.slice(0, 500) }
}
