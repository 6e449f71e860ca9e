import { enqueuer, scheduler } from '../../core/background/background.ts'
import { object, optional, Time } from '../../core/contract.ts'
import { job } from '../../core/job-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { PipelineRun } from './contract.ts'

export const jobs = {
  'pipelines.run': job({ pipelineRun: Type.String() }, object({ state: PipelineRun.properties.state })),
  'pipelines.scheduled': job(
    { pipeline: Type.String(), nominal: optional(Time) },
    Type.String({ description: 'The pipeline run' }),
  ),
}

export const enqueue = enqueuer(jobs)
export const schedule = scheduler(jobs)
