import { enqueuer } from '../../core/background/background.ts'
import { object, oneOf } from '../../core/contract.ts'
import { job } from '../../core/job-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { delivery } from './contract.ts'

const ofModel = { model: Type.String() }

export const jobs = {
  'delivery.tick': job(
    { release: Type.String() },
    Type.Union([
      object({ state: Type.String({ description: 'Why nothing was decided: the state it was found in' }) }),
      object({ decision: oneOf(['abort', 'advance', 'await', 'hold', 'wait']) }),
    ]),
  ),
  'delivery.drill': job(ofModel, Type.Union([object({ drilled: Type.Literal(false) }), delivery.drill.output])),
  'delivery.mend': job(ofModel, object({ mended: Type.Boolean() })),
}

export const enqueue = enqueuer(jobs)
