import { enqueuer } from '../../core/background/background.ts'
import { object, optional, Time } from '../../core/contract.ts'
import { job } from '../../core/job-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { ImportKind } from './import-shapes.ts'

export const jobs = {
  'serving.merge': job({ endpoint: Type.String() }, object({ merged: Type.Integer() })),
  'serving.import': job(
    { model: Type.String(), what: ImportKind },
    object({ rows: Type.Integer(), taken: Type.Integer(), problem: Type.Union([Type.String(), Type.Null()]) }),
  ),
  'serving.labelled': job(
    {
      model: Type.String(),
      from: Time,
      to: Time,
      after: optional(object({ known_at: Time, prediction: Type.String() })),
      behind: optional(object({ from_at: Time, id: Type.String() })),
    },
    object({ windows: Type.Integer() }),
  ),
  'serving.late': job({ model: Type.String() }, object({ windows: Type.Integer() })),
}

export const enqueue = enqueuer(jobs)
