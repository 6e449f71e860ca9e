import { contract, JsonObject, object, oneOf, optional, page, paging, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

const TraceId = Type.String({ pattern: '^tr-[A-Za-z0-9-]{1,64}$' })

export const ListedState = oneOf(['OK', 'ERROR', 'IN_PROGRESS'])

const Trace = object({
  id: TraceId,
  experiment: Type.String(),
  name: Type.Union([Type.String(), Type.Null()]),
  state: oneOf(['STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS']),
  at: Time,
  milliseconds: Type.Union([Type.Number(), Type.Null()]),
  request: Type.Union([Type.String(), Type.Null()]),
  response: Type.Union([Type.String(), Type.Null()]),
  tags: Type.Record(Type.String(), Type.String()),
  metadata: Type.Record(Type.String(), Type.String()),
})

const Span = object({
  id: Type.String(),
  parent: Type.Union([Type.String(), Type.Null()]),
  name: Type.String(),
  type: Type.String(),
  status: oneOf(['UNSET', 'OK', 'ERROR']),
  startsAfter: Type.Number({ description: 'Milliseconds after the beginning of the trace' }),
  milliseconds: Type.Union([Type.Number(), Type.Null()]),
  attributes: JsonObject,
})

export const traces = contract({
  list: {
    method: 'GET',
    path: '/traces',
    role: 'viewer',
    summary: 'Traces of calls, newest first',
    input: object({
      experiment: optional(Type.String({ default: '0', maxLength: 32 })),
      state: optional(ListedState),
      ...paging,
    }),
    output: page(Trace),
  },
  get: {
    method: 'GET',
    path: '/traces/:trace',
    role: 'viewer',
    summary: 'One trace with its spans',
    input: object({ trace: TraceId }),
    output: object({ trace: Trace, spans: Type.Array(Span) }),
  },
  remove: {
    method: 'DELETE',
    path: '/traces/:trace',
    role: 'member',
    summary: 'Deletes a trace with its spans and assessments',
    input: object({ trace: TraceId }),
    output: object({ deleted: Type.Integer() }),
  },
})
