import type { Context } from '../context.ts'
import { AppError } from '../errors.ts'
import type { Job, JobHandlers, JobInput, Jobs, JobTools } from '../job-contract.ts'
import { parse, readStored } from '../validate.ts'
import * as jobs from './jobs.ts'
import { checksWrites } from './write-input.ts'

export type JobContracts<J extends Jobs> = {
  jobs: J
  handlers: JobHandlers<J>
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
  } catch (error) {
    if (!stopping.aborted) await fail(jobContext, job, error)
  } finally {
    clearInterval(renewal)
  }
}

async function fail(ctx: Context, job: Job, error: unknown): Promise<void> {
  const callersFault = error instanceof AppError && error.status < 500
  ctx.log.warn({ job: job.id, kind: job.kind, attempt: job.attempts, err: error }, 'job failed')
  try {
    await jobs.finish(ctx, job, {
      error: error instanceof Error ? error.message : String(error),
      retry: !callersFault,
    })
  } catch (lost) {
    if (!(lost instanceof AppError) || lost.code !== 'stale_token') throw lost
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
