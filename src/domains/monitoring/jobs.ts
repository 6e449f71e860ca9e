import { enqueuer } from '../../core/background/background.ts'
import { object, oneOf, optional, Time } from '../../core/contract.ts'
import { job } from '../../core/job-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { alertMessage } from './events.ts'

export const jobs = {
  'monitoring.window': job(
    { model: Type.String(), from: Time, to: optional(Time) },
    object({ requests: Type.Integer() }),
  ),
  'monitoring.recount': job({ model: Type.String() }, object({ windows: Type.Integer() })),
  'monitoring.source': job(
    { source: Type.String() },
    object({
      rows: Type.Integer(),
      waiting: optional(Type.Boolean()),
      stale: optional(Type.Boolean()),
      findings: optional(Type.Integer()),
    }),
  ),
  'monitoring.email': job(
    {
      sink: Type.String(),
      type: oneOf(['monitoring.alerts_raised', 'monitoring.alerts_resolved', 'monitoring.digest']),
      ...alertMessage,
    },
    object({ sent: Type.Boolean(), messageId: optional(Type.String()) }),
  ),
}

export const enqueue = enqueuer(jobs)
