import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Static } from 'typebox'
import { type Context, liveValue } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, conflict, hasCode, notFound } from '../../core/errors.ts'
import type { JobTools } from '../../core/job-contract.ts'
import { nextOf } from '../../core/paging.ts'
import { transaction } from '../../core/transaction.ts'
import * as runs from '../runs/runs.ts'
import type { pipelines, StepState } from './contract.ts'
import { get } from './definitions.ts'
import { append } from './events.ts'
import { executeRun, finishRun, type PipelineResult, stepFolder } from './execute.ts'
import { enqueue } from './jobs.ts'
import * as rules from './rules.ts'
import * as store from './store.ts'

type Operations = typeof pipelines

type PipelineRun = Output<Operations['getRun']>

export function start(ctx: Context, input: Input<Operations['start']>): Promise<PipelineRun> {
  return startRun(ctx, { ...input, scheduled: false })
}

type Start = Input<Operations['start']> & { scheduled: boolean }

function startRun(
  ctx: Context,
  { pipeline, params = {}, resume, fresh = false, scheduled }: Start,
): Promise<PipelineRun> {
  return transaction(ctx, async (ctx) => {
    const { definition } = await get(ctx, { pipeline })
    const earlier = resume === undefined ? undefined : await requireRun(ctx, resume)
    if (earlier && earlier.state === 'running') {
      throw conflict(`The run "${earlier.id}" is still running.`, {
        name: earlier.id,
        hint: `keel pipelines show ${earlier.id}`,
      })
    }
    const resolved = rules.resolveParams(definition, {
      ...earlier?.params,
      ...params,
    })
    const id = ctx.id('prun')
    const tracking = await runs.create(ctx, {
      experiment: pipeline,
      name: id,
      params: Object.fromEntries(Object.entries(resolved).map(([name, value]) => [name, String(value)])),
      tags: { 'keel.pipeline': pipeline, 'keel.pipeline_run': id },
    })
    const row: store.PipelineRunRecord = {
      id,
      pipeline,
      definition,
      state: 'running',
      params: resolved,
      tracking_run: tracking.id,
      resumed_from: resume ?? null,
      fresh,
      scheduled,
      started_at: ctx.now().toISOString(),
      finished_at: null,
    }
    const reused = earlier ? await store.listSteps(ctx, earlier.id) : []
    await store.insertRun(
      ctx,
      row,
      rules.inOrder(definition).map((step, position) => newStep(id, step, position)),
    )
    if (earlier)
      await append(ctx, 'pipelines.run_resumed', `pipeline/${pipeline}`, {
        run: id,
        from: earlier.id,
        steps: reused.length,
      })
    await append(ctx, 'pipelines.run_started', `pipeline/${pipeline}`, { run: id })
    await enqueue(ctx, { kind: 'pipelines.run', payload: { pipelineRun: id }, key: `pipelines.run/${id}` })
    return toRun(ctx, row)
  })
}

function newStep(run: string, step: rules.Step, position: number) {
  const empty = {
    seconds: null,
    cache_key: null,
    key_parts: null,
    output: null,
    exit_code: null,
    error: null,
    tree: null,
  }
  return { pipeline_run: run, name: step.name, position, state: 'waiting', attempts: 0, ...empty }
}

export async function getRun(ctx: Context, { pipelineRun }: Input<Operations['getRun']>): Promise<PipelineRun> {
  return toRun(ctx, await requireRun(ctx, pipelineRun))
}

export async function listRuns(
  ctx: Context,
  input: Input<Operations['listRuns']>,
): Promise<Output<Operations['listRuns']>> {
  const { pipeline, cursor, limit = 100 } = input
  const rows = await store.listRuns(ctx, { pipeline, before: cursor, limit })
  const items = []
  for (const row of rows) items.push(await toRun(ctx, row))
  return { items, ...nextOf(rows, limit, ({ id }) => id) }
}

/** Aborts the step that runs in this server; one that runs elsewhere loses its lease. */
const cancellers = (ctx: Context) => liveValue(ctx, 'pipelines.cancellers', () => new Map<string, AbortController>())

export async function cancelRun(ctx: Context, { pipelineRun }: Input<Operations['cancelRun']>): Promise<PipelineRun> {
  const run = await requireRun(ctx, pipelineRun)
  if (run.state !== 'running') return toRun(ctx, run)
  for (const step of await store.listSteps(ctx, run.id)) {
    if (step.state === 'running' || step.state === 'waiting')
      await store.updateStep(ctx, run.id, step.name, { state: 'cancelled' })
  }
  await finishRun(ctx, run, 'cancelled')
  cancellers(ctx).get(run.id)?.abort()
  return getRun(ctx, { pipelineRun })
}

/** The job behind a run: it can be cancelled by name. */
export async function perform(
  ctx: Context,
  payload: { pipelineRun: string },
  tools: JobTools,
): Promise<PipelineResult> {
  const { pipelineRun: id } = payload
  const canceller = new AbortController()
  cancellers(ctx).set(id, canceller)
  try {
    return await executeRun(ctx, payload, { ...tools, signal: AbortSignal.any([tools.signal, canceller.signal]) })
  } catch (error) {
    if (canceller.signal.aborted) return { state: 'cancelled' }
    throw error
  } finally {
    cancellers(ctx).delete(id)
  }
}

export async function startScheduled(ctx: Context, { pipeline }: { pipeline: string }): Promise<string> {
  return (await startRun(ctx, { pipeline, scheduled: true })).id
}

/** A run whose job failed, not one of its steps, would never end. */
export async function endLostRun(
  ctx: Context,
  { pipelineRun }: { pipelineRun: string },
  { error }: { error: string | null },
): Promise<void> {
  const run = await store.findRun(ctx, pipelineRun)
  if (error === null || run?.state !== 'running') return
  const open = (await store.listSteps(ctx, run.id)).filter(({ state }) => state === 'running' || state === 'waiting')
  for (const [index, { name }] of open.entries())
    await store.updateStep(ctx, run.id, name, { state: index === 0 ? 'failed' : 'skipped', error })
  await finishRun(ctx, run, 'failed', error)
}

const trackedRuns = 50

/** The tracking runs of the newest runs of a pipeline. */
export async function trackingRuns(ctx: Context, pipeline: string): Promise<string[]> {
  const rows = await store.listRuns(ctx, { pipeline, before: undefined, limit: trackedRuns })
  return rows.map(({ tracking_run }) => tracking_run)
}

const logChunkBytes = 256 * 1024

export async function logs(
  ctx: Context,
  { pipelineRun, step, offset = 0 }: Input<Operations['logs']>,
): Promise<Output<Operations['logs']>> {
  const run = await requireRun(ctx, pipelineRun)
  await requireStep(ctx, run.id, step)
  const path = join(stepFolder(ctx, run.id, step), 'log')
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { text: '', next: offset }
    throw error
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(logChunkBytes), 0, logChunkBytes, offset)
    const length = rules.wholeCharacters(buffer.subarray(0, bytesRead))
    return { text: buffer.subarray(0, length).toString('utf8'), next: offset + length }
  } finally {
    await file.close()
  }
}

export async function why(
  ctx: Context,
  { pipelineRun, step }: Input<Operations['why']>,
): Promise<Output<Operations['why']>> {
  const run = await requireRun(ctx, pipelineRun)
  const row = await requireStep(ctx, run.id, step)
  if (row.key_parts === null) throw new AppError('not_ready', `The step "${step}" has not started.`, { name: step })
  const earlier = await store.earlierStep(ctx, run.pipeline, run.id, step)
  return {
    cached: row.state === 'cached',
    comparedWith: earlier?.pipeline_run ?? null,
    changed: earlier?.key_parts ? rules.keyDifferences(earlier.key_parts, row.key_parts) : [],
  }
}

async function requireRun(ctx: Context, id: string): Promise<store.PipelineRunRecord> {
  const row = await store.findRun(ctx, id)
  if (!row) throw notFound('Pipeline run', id, 'List them with "keel pipelines runs".')
  return row
}

async function requireStep(ctx: Context, run: string, name: string) {
  const row = (await store.listSteps(ctx, run)).find((step) => step.name === name)
  if (!row) throw notFound('Step', name)
  return row
}

async function toRun(ctx: Context, row: store.PipelineRunRecord): Promise<PipelineRun> {
  const steps = await store.listSteps(ctx, row.id)
  return {
    id: row.id,
    pipeline: row.pipeline,
    state: row.state,
    params: row.params,
    run: row.tracking_run,
    resumedFrom: row.resumed_from,
    scheduled: row.scheduled,
    steps: steps.map((step) => ({
      name: step.name,
      state: step.state as Static<typeof StepState>,
      attempts: step.attempts,
      seconds: step.seconds,
      cacheKey: step.cache_key,
      output: step.output,
      exitCode: step.exit_code,
      error: step.error,
    })),
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  }
}
