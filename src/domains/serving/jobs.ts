import { enqueuer } from '../../core/background/background.ts'
import { object, Time } from '../../core/contract.ts'
import { job } from '../../core/job-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { ImportKind } from './import-shapes.ts'

export const jobs = {
  'serving.merge': job({ endpoint: Type.String() }, object({ merged: Type.Integer() })),
  'serving.labelled': job({ model: Type.String(), from: Time, to: Time }, object({ windows: Type.Integer() })),
  'serving.import': job(
    { model: Type.String(), what: ImportKind },
    object({ rows: Type.Integer(), taken: Type.Integer(), problem: Type.Union([Type.String(), Type.Null()]) }),
  ),
}

export const enqueue = enqueuer(jobs)
