import type { Static, TObject, TProperties, TSchema } from 'typebox'
import type { Context } from './context.ts'
import { object } from './contract.ts'

/** One kind of job: what it is given and what it comes to. */
export type JobKind<Input extends TObject = TObject, Output extends TSchema = TSchema> = {
  input: Input
  output: Output
}

/** A domain's jobs by their full names, such as `delivery.tick`. */
export type Jobs = Record<string, JobKind>

/** A field that jobs of older versions lack is optional: they may still be waiting when this version starts. */
export function job<Fields extends TProperties, Output extends TSchema>(
  input: Fields,
  output: Output,
): JobKind<TObject<Fields>, Output> {
  return { input: object(input), output }
}

export type JobInput<Kind extends JobKind> = Static<Kind['input']>
export type JobOutput<Kind extends JobKind> = Static<Kind['output']>

export type JobState = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled'

export type Job = {
  id: string
  kind: string
  key: string | null
  payload: Record<string, unknown>
  state: JobState
  runAt: string
  attempts: number
  /** Grows with every claim; a write with an older one is refused. */
  fence: number
  progress: { done: number; total: number; note: string } | null
  result: unknown
  error: string | null
}

/** What a job handler is given beside its payload: `report` shows progress and keeps the lease, `signal` says stop. */
export type JobTools = {
  job: Job
  signal: AbortSignal
  report(progress: { done: number; total: number; note: string }): Promise<void>
}

/** What became of a job that is not tried again: its result, or the reason for which it has none. */
export type JobOutcome<Kind extends JobKind> =
  | { result: JobOutput<Kind>; error: null }
  | { result: null; error: string }

/** What follows when jobs have ended, in a transaction of its own; few kinds need it. */
export type JobEndings<J extends Jobs> = {
  [Kind in keyof J]?: (ctx: Context, payload: JobInput<J[Kind]>, outcome: JobOutcome<J[Kind]>) => Promise<void>
}

/** Who does each job; a kind without a handler does not compile. */
export type JobHandlers<J extends Jobs> = {
  [Kind in keyof J]: (ctx: Context, payload: JobInput<J[Kind]>, tools: JobTools) => Promise<JobOutput<J[Kind]>>
}
