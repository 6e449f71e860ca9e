import type { Static } from 'typebox'
import { object, optional } from '../../../core/contract.ts'
import { Type } from '../../../core/shapes/shapes.ts'

/** Which parts of predictions are logged, and for how long. */
export const LogSpec = object({
  sample: optional(
    Type.String({
      pattern: '^[0-9]+(\\.[0-9]+)?%$',
      description: 'Share of ordinary predictions, by a hash of their id; without it all',
    }),
  ),
  uncertain: optional(
    Type.Number({
      minimum: 0,
      maximum: 0.5,
      description: 'Binary: kept besides the sample when the answer is this near to 0.5',
    }),
  ),
  omit: optional(Type.Array(Type.String(), { description: 'Inputs that are never written down' })),
  content: optional(
    Type.Boolean({ description: 'Texts that a language model read and wrote; without it their length' }),
  ),
})
export type LogSpec = Static<typeof LogSpec>
