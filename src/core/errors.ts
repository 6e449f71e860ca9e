import { catalogue } from './error-catalogue.ts'

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

/** Whether the system gave this reason: `hasCode(error, 'ENOENT')`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code)
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

/** PostgreSQL's states for a value that it cannot take: a NUL in a text, a number out of range, a text that is not a number. */
const valueStates = new Set(['22021', '22P05', '22003', '22P02', '22001'])

/** PostgreSQL restarts, fails over or has no connection left; its driver says the same in words. */
const lostStates = /^(?:08...|57P0[123]|53300)$/
const lostWords = /^Connection terminated|^timeout exceeded when trying to connect$|and is not queryable$/

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
  if (lostStates.test(code) || (code === '' && lostWords.test(thrown.message)))
    return new AppError('not_ready', `The database does not answer: ${thrown.message}.`, {
      hint: 'Try again; where it lasts, "keel doctor" says whether the server reaches its database.',
      cause: thrown,
    })
  const errcode = 'errcode' in thrown && typeof thrown.errcode === 'number' ? thrown.errcode & 0xff : 0
  const sqlite = sqliteErrors[errcode]
  if (sqlite) {
    return new AppError(sqlite, thrown.message, { hint: 'Check the data folder with "keel doctor".', cause: thrown })
  }
  return new AppError('internal', thrown.message, { cause: thrown })
}
