import type { Readable } from 'node:stream'
import type { Static, TEnum, TObject, TProperties, TSchema } from 'typebox'
import type { Context, Role } from './context.ts'
import { type DurationUnit, lasting } from './duration.ts'
import { Type } from './shapes/shapes.ts'

/**
 * One operation: its words and shapes. Path parameters, query and body form one `input`;
 * a GET or DELETE takes what is not in its path from the query, the others from a JSON body.
 */
export type Operation = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: `/${string}`
  role: Role | 'anyone'
  summary: string
  input: TObject
  output: TSchema
  /** `bytes`: the body is a stream of any content type, handed to the door as third argument. */
  body?: 'json' | 'bytes'
  /** `bytes`: the door returns `BytesReply` and its stream is the answer. */
  reply?: 'json' | 'bytes'
  /** `begins`: its answer sets the cookie of a session; `ends`: it takes it away. */
  session?: 'begins' | 'ends'
  /** Its input may hold integers beyond 2^53, which arrive as bigints; anywhere else they are refused by their path. */
  exactIntegers?: boolean
  /** Largest accepted body in bytes (default 4 MiB for JSON, unlimited for streams). */
  bodyLimit?: number
}

export type Contract = Record<string, Operation>

/** A stream that can be opened at a range, with a known size, is served in ranges too. */
export type BytesReply = {
  stream: Readable | ((range?: { start: number; end: number }) => Promise<Readable>)
  size?: number
  contentType: string
  filename?: string
  etag?: string
}

/** Keeps the exact types of a domain's operations. */
export function contract<const C extends Contract>(operations: C): C {
  return operations
}

export type Input<O extends Operation> = Static<O['input']>
export type Output<O extends Operation> = Static<O['output']>

/** A session that somebody begins: the text of its cookie and how long that lasts. */
export type BegunSession = { text: string; seconds: number }

type DoorResult<O extends Operation> = O extends { reply: 'bytes' }
  ? BytesReply
  : O extends { session: 'begins' }
    ? { output: Output<O>; session: BegunSession }
    : Output<O>

/** What a domain must export for its contract; a missing or differing function does not compile. */
export type Door<C extends Contract> = {
  [Name in keyof C]: C[Name] extends { body: 'bytes' }
    ? (ctx: Context, input: Input<C[Name]>, body: Readable) => DoorResult<C[Name]> | Promise<DoorResult<C[Name]>>
    : (ctx: Context, input: Input<C[Name]>) => DoorResult<C[Name]> | Promise<DoorResult<C[Name]>>
}

/** An object with exactly these fields: unknown names are refused, never dropped. */
export function object<P extends TProperties>(
  properties: P,
  options: { description?: string; deprecated?: boolean } = {},
) {
  return Type.Object(properties, { additionalProperties: false, ...options })
}

/** One of these names, exactly. */
export function oneOf<const Names extends string[]>(
  names: readonly [...Names],
  options: { description?: string; default?: Names[number] } = {},
): TEnum<Names> {
  return Type.Enum<Names>(names, options)
}

export const optional = Type.Optional

/** A name that people type: letters, digits, dot, dash, underscore; never a path. */
export const Name = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$',
  description: 'A name: letters, digits, dot, dash, underscore',
})

/** ISO 8601 in UTC. */
export const Time = Type.String({ format: 'iso-date-time', description: 'A time, ISO 8601' })

/** A text such as 30s, 2h or 7d in one of the units. */
export function duration(
  description: string,
  { units = lasting, positive = false }: { units?: readonly DurationUnit[]; positive?: boolean } = {},
) {
  return Type.String({ pattern: `^${positive ? '[1-9][0-9]*' : '[0-9]+'}(${units.join('|')})$`, description })
}

export const Duration = duration('Such as 30m, 1h, 2d')

export const DigestText = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })

export const Nothing = object({})

export const JsonObject = Type.Record(Type.String(), Type.Unknown())

export const paging = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  cursor: Type.Optional(Type.String({ maxLength: 512 })),
}

export function page<Item extends TSchema>(item: Item) {
  return object({
    items: Type.Array(item),
    next: Type.Optional(Type.String({ description: 'Cursor of the next page' })),
  })
}

/** A number with what it takes to judge it. `lower` and `upper` bound a 95 % interval where the method gives one. */
export const Estimate = object({
  value: Type.Union([Type.Number(), Type.Null()]),
  n: Type.Integer(),
  lower: optional(Type.Union([Type.Number(), Type.Null()])),
  upper: optional(Type.Union([Type.Number(), Type.Null()])),
  window: optional(Type.String()),
  reference: optional(Type.String()),
})
export type Estimate = Static<typeof Estimate>
