import { enqueuer } from '../../core/background/background.ts'
import { object, oneOf, optional } from '../../core/contract.ts'
import { job } from '../../core/job-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

export const jobs = {
  'webhooks.attempt': job(
    { delivery: Type.String() },
    object({ state: oneOf(['dropped', 'pending', 'delivered', 'failed']), attempts: optional(Type.Integer()) }),
  ),
}

export const enqueue = enqueuer(jobs)
