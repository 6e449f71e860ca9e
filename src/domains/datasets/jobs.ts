import { enqueuer, scheduler } from '../../core/background/background.ts'
import { object, optional, Time } from '../../core/contract.ts'
import { job } from '../../core/job-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

export const jobs = {
  'datasets.compact': job({ source: Type.String() }, object({ rows: Type.Integer() })),
  'datasets.fetch': job(
    { source: Type.String(), nominal: optional(Time) },
    object({ rows: Type.Integer(), bad: Type.Integer(), problem: Type.Union([Type.String(), Type.Null()]) }),
  ),
}

export const enqueue = enqueuer(jobs)
export const schedule = scheduler(jobs)
