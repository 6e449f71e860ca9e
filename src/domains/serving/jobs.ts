import { enqueuer } from '../../core/background/background.ts'
import { object, Time } from '../../core/contract.ts'
import { job } from '../../core/job-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

export const jobs = {
  'serving.merge': job({ endpoint: Type.String() }, object({ merged: Type.Integer() })),
  'serving.labelled': job({ model: Type.String(), from: Time, to: Time }, object({ windows: Type.Integer() })),
}

export const enqueue = enqueuer(jobs)
