import {
  contract,
  JsonObject,
  Name,
  Nothing,
  object,
  oneOf,
  optional,
  page,
  paging,
  Time,
} from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

const Job = object({
  id: Type.String(),
  kind: Type.String(),
  state: oneOf(['pending', 'running', 'succeeded', 'failed', 'cancelled']),
  runAt: Time,
  attempts: Type.Integer(),
  progress: Type.Union([object({ done: Type.Number(), total: Type.Number(), note: Type.String() }), Type.Null()]),
  result: Type.Unknown(),
  error: Type.Union([Type.String(), Type.Null()]),
})

const AuditEvent = object({
  seq: Type.Integer(),
  at: Time,
  type: Type.String(),
  subject: Type.String(),
  actor: Type.String(),
  cause: Type.String({ description: 'The operation or reaction that did it' }),
  data: JsonObject,
})

const Finding = object({
  check: Type.String(),
  state: oneOf(['ok', 'warn', 'fail']),
  message: Type.String(),
  fix: optional(Type.String({ description: 'The command that mends it' })),
})

export const system = contract({
  info: {
    method: 'GET',
    path: '/info',
    role: 'anyone',
    summary: 'Version, clock and engines of this server',
    input: Nothing,
    output: object({
      version: Type.String(),
      now: Time,
      simulated: Type.Boolean(),
      database: oneOf(['sqlite', 'postgres']),
      pid: Type.Integer(),
      project: Type.String(),
    }),
  },
  advanceClock: {
    method: 'POST',
    path: '/clock',
    role: 'admin',
    summary: 'Moves a simulated clock forward and runs all that falls due on the way',
    input: object({ to: Time }),
    output: object({ now: Time }),
  },
  events: {
    method: 'GET',
    path: '/events',
    role: 'viewer',
    summary: 'The audit log: what changed, when, by whom, through which operation',
    input: object({
      after: optional(
        Type.Integer({ minimum: 0, description: 'Oldest first from this sequence number; without it newest first' }),
      ),
      subject: optional(Type.String({ maxLength: 256 })),
      type: optional(Type.String({ maxLength: 128 })),
      limit: paging.limit,
    }),
    output: page(AuditEvent),
  },
  getJob: {
    method: 'GET',
    path: '/jobs/:job',
    role: 'viewer',
    summary: 'State and progress of a piece of background work',
    input: object({ job: Name }),
    output: Job,
  },
  doctor: {
    method: 'GET',
    path: '/doctor',
    role: 'viewer',
    summary: 'Checks the server, its folder and its database',
    input: Nothing,
    output: object({ findings: Type.Array(Finding) }),
  },
})
