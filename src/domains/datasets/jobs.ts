import { enqueuer } from '../../core/background/background.ts'
import { object } from '../../core/contract.ts'
import { job } from '../../core/job-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

export const jobs = {
  'datasets.compact': job({ source: Type.String() }, object({ rows: Type.Integer() })),
}

export const enqueue = enqueuer(jobs)
