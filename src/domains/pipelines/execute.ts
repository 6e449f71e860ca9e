import { mkdir, rm, symlink } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import type { Context } from '../../core/context.ts'
import { milliseconds } from '../../core/duration.ts'
import { AppError, notFound } from '../../core/errors.ts'
import type { JobOutput, JobTools } from '../../core/job-contract.ts'
import { digestOfJson } from '../../core/json/json.ts'
import { cappedFile, environmentOf as inheritedOf, runCommand } from '../../core/process/process.ts'
import { transaction } from '../../core/transaction.ts'
import { inPackage } from '../../package-folder.ts'
import * as datasets from '../datasets/datasets.ts'
import * as runs from '../runs/runs.ts'
import * as system from '../system/system.ts'
import { codeDigest } from './code-digest.ts'
import { append } from './events.ts'
import type { jobs } from './jobs.ts'
import { restoreOutput, storeOutput } from './output-tree.ts'
import * as rules from './rules.ts'
import type { PipelineRunRecord, PipelineStepRecord } from './store.ts'
import * as store from './store.ts'
import { environmentName } from './variables.ts'

/** What steps may see of the server's environment; everything else is declared in the file. */
const certificates = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS']
const logLimitBytes = 64 * 1024 * 1024
const graceMilliseconds = 10_000

const finalStates = new Set(['succeeded', 'cached', 'failed', 'skipped', 'cancelled'])

type Work = { run: PipelineRunRecord; tools: JobTools }

export function stepFolder(ctx: Context, run: string, step: string): string {
  return join(ctx.folder, 'pipelines', run, step)
}

export type PipelineResult = JobOutput<(typeof jobs)['pipelines.run']>

/** Performs a pipeline run step by step; what already has a result is kept, so a second server can go on after a crash. */
export async function executeRun(
  ctx: Context,
  { pipelineRun: id }: { pipelineRun: string },
  tools: JobTools,
): Promise<PipelineResult> {
  const run = await store.findRun(ctx, id)
  if (!run) throw notFound('Pipeline run', id)
  if (run.state !== 'running') return { state: run.state }
  const work: Work = { run, tools }
  const steps = rules.inOrder(run.definition)
  let failed = false
  for (const [index, step] of steps.entries()) {
    await tools.report({ done: index, total: steps.length, note: step.name })
    const row = await findStep(ctx, id, step.name)
    if (finalStates.has(row.state)) {
      failed ||= row.state === 'failed' || row.state === 'skipped'
      continue
    }
    if (failed) await store.updateStep(ctx, id, step.name, { state: 'skipped', error: 'A step before it failed.' })
    else failed = !(await performStep(ctx, work, step, row))
    if ((await store.findRun(ctx, id))?.state === 'cancelled') return { state: 'cancelled' }
  }
  return finishRun(ctx, run, failed ? 'failed' : 'succeeded')
}

async function findStep(ctx: Context, run: string, name: string): Promise<PipelineStepRecord> {
  const row = (await store.listSteps(ctx, run)).find((step) => step.name === name)
  if (!row) throw notFound('Step', name)
  return row
}

type EndState = 'succeeded' | 'failed' | 'cancelled'

/** `why` is of a run that failed although no step did. */
export async function finishRun(ctx: Context, run: PipelineRunRecord, state: EndState, why?: string) {
  const status = { succeeded: 'finished', failed: 'failed', cancelled: 'killed' } as const
  await transaction(ctx, async (ctx) => {
    await store.updateRun(ctx, run.id, { state, finished_at: ctx.now().toISOString() })
    const subject = `pipeline/${run.pipeline}` as const
    if (state === 'failed') {
      const reason = why ?? (await failureIn(ctx, run.id))
      await append(ctx, 'pipelines.run_failed', subject, { run: run.id, scheduled: run.scheduled, why: reason })
    } else await append(ctx, `pipelines.run_${state}`, subject, { run: run.id })
  })
  await runs.finish(ctx, { run: run.tracking_run, status: status[state] })
  return { state }
}

async function failureIn(ctx: Context, run: string): Promise<string> {
  const step = (await store.listSteps(ctx, run)).find(({ state }) => state === 'failed')
  return step ? `its step "${step.name}" failed. ${step.error ?? ''}`.trim() : 'a step failed.'
}

async function performStep(ctx: Context, work: Work, step: rules.Step, row: PipelineStepRecord): Promise<boolean> {
  const { run } = work
  const parts = await keyParts(ctx, work, step)
  const key = rules.cacheKey(parts)
  const folder = stepFolder(ctx, run.id, step.name)
  await store.updateStep(ctx, run.id, step.name, { state: 'running', cache_key: key, key_parts: parts })
  if (step.cache !== false && !run.fresh && (await takeFromCache(ctx, run, step, key, folder))) return true

  for (let attempts = row.attempts + 1; ; attempts++) {
    await store.updateStep(ctx, run.id, step.name, { attempts })
    const out = join(folder, 'out')
    await rm(out, { recursive: true, force: true })
    await mkdir(out, { recursive: true })
    const started = ctx.clock.elapsed()
    const result = await runCommand({
      name: step.name,
      command: ['/bin/sh', '-c', step.run],
      cwd: ctx.root,
      environment: await environmentOf(ctx, work, step, out, parts.code),
      output: cappedFile(join(folder, 'log'), logLimitBytes),
      graceMilliseconds,
      timeout: step.timeout === undefined ? undefined : milliseconds(step.timeout),
      signal: work.tools.signal,
    })
    const seconds = (ctx.clock.elapsed() - started) / 1000
    if (work.tools.signal.aborted) throw new AppError('interrupted', `The step "${step.name}" was stopped.`)
    if (result.code === 0 && result.stopped === undefined) {
      return keepOutput(ctx, { run: run.id, step, key, out, seconds })
    }
    const error =
      result.stopped === 'timeout'
        ? `It ran longer than ${step.timeout}.`
        : `Exit code ${result.code ?? 'none (killed)'}.`
    if (rules.mayRetry(result.code, attempts, step.retries ?? 0)) continue
    await store.updateStep(ctx, run.id, step.name, { state: 'failed', seconds, exit_code: result.code, error })
    return false
  }
}

type StepOutput = { run: string; step: rules.Step; key: string; out: string; seconds: number }

async function keepOutput(ctx: Context, { run, step, key, out, seconds }: StepOutput): Promise<boolean> {
  const cached = step.cache !== false
  const stored = await storeOutput(ctx, out, { step: step.name, cached }).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'invalid_input') return error
    throw error
  })
  if (stored instanceof AppError) {
    const error = `${stored.message} ${stored.hint ?? ''}`.trim()
    await store.updateStep(ctx, run, step.name, { state: 'failed', seconds, exit_code: 0, error })
    return false
  }
  const { output, tree } = stored
  await transaction(ctx, async (ctx) => {
    await store.updateStep(ctx, run, step.name, {
      state: 'succeeded',
      seconds,
      output,
      tree: tree.length === 0 ? null : digestOfJson(tree),
      exit_code: 0,
      error: null,
    })
    if (!cached || output === null) return
    await store.saveCached(ctx, {
      cache_key: key,
      output,
      tree,
      pipeline_run: run,
      step: step.name,
      created_at: ctx.now().toISOString(),
    })
  })
  return true
}

async function keyParts(ctx: Context, { run }: Work, step: rules.Step): Promise<rules.KeyParts> {
  const rows = await store.listSteps(ctx, run.id)
  const inputs = Object.fromEntries(
    (step.needs ?? []).map((need) => [need, inputOf(rows.find(({ name }) => name === need))]),
  )
  const sources: Record<string, number> = {}
  for (const source of step.sources ?? []) sources[source] = (await datasets.describeSource(ctx, source)).lastSeq
  return {
    v: 2,
    run: step.run,
    code: await codeDigest(ctx.root, step.code),
    inputs,
    params: paramsOf(step, run.params),
    env: step.env ?? {},
    sources,
    runtime: `node ${process.version} ${process.platform}-${process.arch}`,
    machine: surroundings(),
  }
}

/** The params that a step sees: those that it declares, or all. */
function paramsOf(step: rules.Step, params: rules.Params): rules.Params {
  const seen = new Set(step.params ?? Object.keys(params))
  return Object.fromEntries(Object.entries(params).filter(([name]) => seen.has(name)))
}

/** Where programs are found on this machine. Zone and words are the same everywhere unless the step declares others. */
function surroundings(): Record<string, string> {
  const { TZ: _zone, LC_ALL: _words, ...inherited } = inheritedOf(certificates)
  return { ...inherited, TZ: 'UTC', LANG: 'C.UTF-8' }
}

/** An output by its bytes and what is around them: a file that became executable is another input. */
function inputOf(row: PipelineStepRecord | undefined): string | null {
  if (!row?.tree) return row?.output ?? null
  return `${row.output ?? ''} ${row.tree}`.trim()
}

async function takeFromCache(
  ctx: Context,
  run: PipelineRunRecord,
  step: rules.Step,
  key: string,
  folder: string,
): Promise<boolean> {
  const cached = await store.findCached(ctx, key)
  if (!cached || cached.tree === null) return false
  const { tree } = cached
  if (!(await restoreOutput(ctx, join(folder, 'out'), { output: cached.output, tree }))) return false
  await store.updateStep(ctx, run.id, step.name, {
    state: 'cached',
    output: cached.output,
    tree: digestOfJson(tree),
    seconds: 0,
    exit_code: 0,
  })
  return true
}

async function environmentOf(
  ctx: Context,
  work: Work,
  step: rules.Step,
  out: string,
  code: string,
): Promise<Record<string, string>> {
  const { run } = work
  const inherited = surroundings()
  const inputs = (step.needs ?? []).map((need) => [
    environmentName('KEEL_IN', need),
    join(stepFolder(ctx, run.id, need), 'out'),
  ])
  const values = Object.entries(paramsOf(step, run.params)).map(([name, value]) => [
    environmentName('KEEL_PARAM', name),
    String(value),
  ])
  return {
    ...inherited,
    ...step.env,
    PATH: [await commandFolder(ctx), dirname(process.execPath), inherited['PATH'] ?? ''].join(delimiter),
    KEEL_SERVER: system.address(ctx),
    KEEL_RUN: run.tracking_run,
    KEEL_PIPELINE_RUN: run.id,
    KEEL_CODE: code,
    KEEL_OUT: out,
    ...Object.fromEntries(inputs),
    ...Object.fromEntries(values),
  }
}

const launcher = inPackage('bin/keel.js')

/** A folder with `keel` in it: steps call the very program that runs them. */
async function commandFolder(ctx: Context): Promise<string> {
  const folder = join(ctx.folder, 'bin')
  await mkdir(folder, { recursive: true })
  await rm(join(folder, 'keel'), { force: true })
  await symlink(launcher, join(folder, 'keel'))
  return folder
}
