import type { Context } from '../context.ts'
import { AppError } from '../errors.ts'
import type { Job, JobEndings, JobHandlers, JobInput, JobOutcome, JobOutput, Jobs, JobTools } from '../job-contract.ts'
import { transaction } from '../transaction.ts'
import { parse, readStored } from '../validate.ts'
import * as jobs from './jobs.ts'
import { checksWrites } from './write-input.ts'

export type JobContracts<J extends Jobs> = {
  jobs: J
  handlers: JobHandlers<J>
  endings?: JobEndings<J> | undefined
  /** Ends when the server does: whatever fails then is no failure of the job. */
  stopping: AbortSignal
}

/** Runs a claimed job under its lease, and writes down what came of it. */
export async function perform<J extends Jobs>(ctx: Context, performing: JobContracts<J>, job: Job): Promise<void> {
  const { stopping } = performing
  const jobContext: Context = { ...ctx, cause: `job ${job.kind}` }
  const stop = new AbortController()
  const signal = AbortSignal.any([stopping, stop.signal])
  const renewal = setInterval(() => {
    jobs
      .renew(jobContext, job)
      .catch(() => stop.abort(new AppError('stale_token', `The job "${job.id}" was taken away.`)))
  }, jobs.leaseMilliseconds / 3)
  try {
    const report: JobTools['report'] = (progress) => jobs.renew(jobContext, job, progress)
    const result = await handle(jobContext, performing, { job, signal, report })
    await jobs.finish(jobContext, job, { result })
    await end(jobContext, performing, job, { result: result as JobOutput<J[string]>, error: null })
  } catch (error) {
    if (stopping.aborted) return
    const reason = await fail(jobContext, job, error)
    if (reason !== undefined) await end(jobContext, performing, job, { result: null, error: reason })
  } finally {
    clearInterval(renewal)
  }
}

/** What follows an end must not change it: where that fails, it is only logged. */
async function end<J extends Jobs>(
  ctx: Context,
  { jobs: contracts, endings }: JobContracts<J>,
  job: Job,
  outcome: JobOutcome<J[string]>,
): Promise<void> {
  const [contract, ending] = [contracts[job.kind], endings?.[job.kind]]
  if (!contract || !ending) return
  try {
    const payload = readStored(contract.input, job.payload, `The payload of a job ${job.kind}`) as JobInput<J[string]>
    await transaction(ctx, (ctx) => ending(ctx, payload, outcome))
  } catch (error) {
    ctx.log.error({ err: error, job: job.id, kind: job.kind }, 'what follows the end of a job failed')
  }
}

/** The reason, when it is not tried again. */
async function fail(ctx: Context, job: Job, error: unknown): Promise<string | undefined> {
  const callersFault = error instanceof AppError && error.status < 500
  ctx.log.warn({ job: job.id, kind: job.kind, attempt: job.attempts, err: error }, 'job failed')
  try {
    const reason = error instanceof Error ? error.message : String(error)
    const state = await jobs.finish(ctx, job, { error: reason, retry: !callersFault })
    return state === 'failed' ? reason : undefined
  } catch (lost) {
    if (!(lost instanceof AppError) || lost.code !== 'stale_token') throw lost
    return undefined
  }
}

/** A payload that does not fit is the fault of who wrote it: the job has failed, and is not tried again. */
async function handle<J extends Jobs>(
  ctx: Context,
  { jobs: contracts, handlers }: JobContracts<J>,
  tools: JobTools,
): Promise<unknown> {
  const { kind, payload } = tools.job
  const contract = contracts[kind]
  const handler = handlers[kind]
  if (!contract || !handler)
    throw new AppError('not_supported', `No handler for jobs of kind "${kind}".`, { name: kind })
  const input = readStored(contract.input, payload, `The payload of a job ${kind}`) as JobInput<J[string]>
  const result = await handler(ctx, input, tools)
  if (checksWrites(ctx)) parse(contract.output, result, { code: 'internal', what: `The result of ${kind}` })
  return result
}
