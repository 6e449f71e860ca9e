import { enqueuer } from '../../core/background/background.ts'
import { object } from '../../core/contract.ts'
import { job } from '../../core/job-contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

const Count = Type.Integer()

export const Collected = {
  kept: Count,
  keptBytes: Count,
  unnamed: Type.Integer({ description: 'Blobs that nothing names' }),
  unnamedBytes: Count,
  removed: Type.Integer({ description: 'Blobs that were unnamed for the time of grace' }),
  removedBytes: Count,
  artifacts: Type.Integer({ description: 'Artifacts that nobody names' }),
  uploads: Type.Integer({ description: 'Unfinished uploads that were given up' }),
}

const asked = { apply: Type.Boolean(), graceHours: Type.Number() }

export const jobs = {
  'artifacts.gc': job(asked, object({ ...asked, ...Collected })),
  'artifacts.fsck': job(
    {},
    object({
      ok: Type.Boolean(),
      checked: Count,
      bytes: Count,
      damaged: Type.Array(Type.String()),
      missing: Type.Array(object({ digest: Type.String(), where: Type.String() })),
      orphans: Count,
      orphanBytes: Count,
    }),
  ),
}

export const enqueue = enqueuer(jobs)
