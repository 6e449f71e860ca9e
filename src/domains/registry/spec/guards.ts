import type { Static } from 'typebox'
import { object, oneOf, optional } from '../../../core/contract.ts'
import { Type } from '../../../core/shapes/shapes.ts'

/** An outcome that a rollout watches, such as thumbs, conversion or revenue. */
export const OutcomeGuard = object({
  outcome: Type.String({ minLength: 1, maxLength: 64, description: 'Its name, as it is reported' }),
  better: oneOf(['higher', 'lower'], { description: 'What is better' }),
  within: Type.Number({ minimum: 0, description: "So much worse may the canary's mean be than the control's" }),
  absent: optional(
    Type.Number({ description: 'What a unit without one counts as, such as 0; without it only those with one count' }),
  ),
  proven: optional(
    Type.Boolean({ description: 'A step waits until it is proven that the canary is not worse by more than that' }),
  ),
})
export type OutcomeGuard = Static<typeof OutcomeGuard>
