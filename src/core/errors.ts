/** Every error a caller can meet, as data: it is the wire format, the documentation and the exit code in one table. */
export const catalogue = {
  invalid_input: { status: 400, exit: 2, title: 'The input is not valid' },
  invalid_file: { status: 400, exit: 2, title: 'A file is not valid' },
  usage: { status: 400, exit: 2, title: 'The command is not valid' },
  unauthenticated: { status: 401, exit: 5, title: 'Nobody is signed in' },
  forbidden: { status: 403, exit: 5, title: 'The role does not allow this' },
  untrusted_origin: { status: 403, exit: 5, title: 'The request comes from another site' },
  not_found: { status: 404, exit: 2, title: 'It does not exist' },
  method_not_allowed: { status: 405, exit: 2, title: 'The path does not answer this method' },
  conflict: { status: 409, exit: 2, title: 'It contradicts what is stored' },
  stale_token: { status: 409, exit: 1, title: 'Another worker holds this work now' },
  gone: { status: 410, exit: 2, title: 'It was deleted' },
  too_large: { status: 413, exit: 2, title: 'The input is too large' },
  uri_too_long: { status: 414, exit: 2, title: 'The path is too long' },
  unsupported_media_type: { status: 415, exit: 2, title: 'The content type is not supported' },
  refused_by_policy: { status: 422, exit: 5, title: 'A policy refuses this' },
  needs_approval: { status: 422, exit: 5, title: 'Somebody has to approve this first' },
  digest_mismatch: { status: 422, exit: 2, title: 'The bytes do not have the digest they are named by' },
  too_many_requests: { status: 429, exit: 1, title: 'Too many requests' },
  budget_exceeded: { status: 429, exit: 5, title: 'It would cost more than is allowed' },
  internal: { status: 500, exit: 1, title: 'Something unexpected happened' },
  not_supported: { status: 501, exit: 2, title: 'This server does not do that' },
  upstream_failed: { status: 502, exit: 1, title: 'What it had to ask failed' },
  not_ready: { status: 503, exit: 1, title: 'It is not ready yet' },
  deadline_exceeded: { status: 504, exit: 1, title: 'The time for an answer is over' },
  storage_full: { status: 507, exit: 1, title: 'There is no space left' },
  storage_read_only: { status: 507, exit: 1, title: 'The data folder cannot be written' },
  data_folder_in_use: { status: 500, exit: 2, title: 'Another server owns the data folder' },
  database_newer: { status: 500, exit: 2, title: 'The database was written by a newer version' },
  port_in_use: { status: 500, exit: 2, title: 'The port is taken' },
  unreachable: { status: 503, exit: 6, title: 'The server does not answer' },
  interrupted: { status: 499, exit: 130, title: 'Interrupted' },
} as const

export type ErrorCode = keyof typeof catalogue

export type Issue = { path: string; message: string }

type Details = {
  /** The offending name, as the caller wrote it. */
  name?: string | undefined
  /** What to do next, as a sentence or a command. */
  hint?: string | undefined
  issues?: Issue[] | undefined
  /** When another attempt makes sense; sent as `Retry-After`. */
  retryAfterSeconds?: number | undefined
  cause?: unknown
}

export class AppError extends Error {
  readonly code: ErrorCode
  readonly offender: string | undefined
  readonly hint: string | undefined
  readonly issues: Issue[] | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'AppError'
    this.code = code
    this.offender = details.name
    this.hint = details.hint
    this.issues = details.issues
    this.retryAfterSeconds = details.retryAfterSeconds
  }

  get status(): number {
    return catalogue[this.code].status
  }

  get exitCode(): number {
    return catalogue[this.code].exit
  }
}

export function notFound(kind: string, name: string, hint?: string): AppError {
  return new AppError('not_found', `${kind} "${name}" does not exist.`, { name, hint })
}

export function invalidInput(message: string, details: Details = {}): AppError {
  return new AppError('invalid_input', message, details)
}

export function conflict(message: string, details: Details = {}): AppError {
  return new AppError('conflict', message, details)
}

const systemErrors: Record<string, { code: ErrorCode; hint: string }> = {
  ENOSPC: { code: 'storage_full', hint: 'Free some space, or move the data folder with --data.' },
  EDQUOT: { code: 'storage_full', hint: 'Free some space, or move the data folder with --data.' },
  EROFS: { code: 'storage_read_only', hint: 'Choose a folder you can write with --data.' },
  EACCES: { code: 'storage_read_only', hint: 'Choose a folder you can write with --data.' },
  EPERM: { code: 'storage_read_only', hint: 'Choose a folder you can write with --data.' },
  EADDRINUSE: { code: 'port_in_use', hint: 'Choose another with --port, or stop the process that uses it.' },
}

/** PostgreSQL's states for a value that it cannot take: a NUL in a text, a number out of range, a text that is no number. */
const valueStates = new Set(['22021', '22P05', '22003', '22P02', '22001'])

/** SQLite's primary result codes for a full disk (13), a read-only file (8) and a file it cannot open (14). */
const sqliteErrors: Record<number, ErrorCode> = { 13: 'storage_full', 8: 'storage_read_only', 14: 'storage_read_only' }

/** Turns anything thrown into an AppError; what nobody expected becomes `internal`, with the original as its cause. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  if (!(thrown instanceof Error)) return new AppError('internal', String(thrown), { cause: thrown })
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
  const known = systemErrors[code]
  if (known) return new AppError(known.code, thrown.message, { hint: known.hint, cause: thrown })
  if (valueStates.has(code))
    return invalidInput('A value holds what the database cannot store, such as a NUL character.', { cause: thrown })
  const errcode = 'errcode' in thrown && typeof thrown.errcode === 'number' ? thrown.errcode & 0xff : 0
  const sqlite = sqliteErrors[errcode]
  if (sqlite) {
    return new AppError(sqlite, thrown.message, { hint: 'Check the data folder with "keel doctor".', cause: thrown })
  }
  return new AppError('internal', thrown.message, { cause: thrown })
}
