import { setTimeout as sleep } from 'node:timers/promises'
import type { Output } from '../../core/contract.ts'
import type { pipelines } from '../../domains/pipelines/contract.ts'
import { argument, assignments, defineCommand, flag, number, table, text, texts } from '../kit/kit.ts'

type PipelineRun = Output<(typeof pipelines)['getRun']>

const pollMilliseconds = 200

export const command = defineCommand({
  summary: 'Run a pipeline and wait for it; steps whose inputs did not change come from the cache',
  args: { pipeline: argument() },
  options: {
    param: texts('override a param', 'name=value'),
    resume: text('go on from a failed run', 'run'),
    fresh: flag('ignore the cache'),
  },
  async run(session, { args: { pipeline }, options: { resume, param, fresh } }) {
    const client = await session.client()
    let run = await client.pipelines.start({
      pipeline,
      params: assignments(param),
      resume,
      fresh: fresh || undefined,
    })
    const progress = session.progress(`Running ${pipeline}`)
    try {
      while (run.state === 'running') {
        await sleep(pollMilliseconds)
        run = await client.pipelines.getRun({ pipelineRun: run.id })
        const done = run.steps.filter(({ state }) => state !== 'waiting' && state !== 'running').length
        progress.update(done, run.steps.length, run.steps.find(({ state }) => state === 'running')?.name)
      }
    } finally {
      progress.end()
    }
    return { data: run, text: describeRun(run), exitCode: run.state === 'succeeded' ? 0 : 1, next: nextOf(run) }
  },
})

export function describeRun(run: PipelineRun): string {
  const steps = table(
    ['step', 'state', 'seconds', 'output'],
    run.steps.map((step) => [
      step.name,
      step.state,
      step.seconds === null ? null : number(step.seconds, 1),
      step.error ?? step.output,
    ]),
  )
  return `${run.id}  ${run.pipeline}  ${run.state}\n${steps}`
}

function nextOf(run: PipelineRun): string[] {
  const failed = run.steps.find(({ state }) => state === 'failed')
  if (failed) return [`keel pipelines log ${run.id} ${failed.name}`, `keel run ${run.pipeline} --resume ${run.id}`]
  return [`keel runs show ${run.run}`]
}
