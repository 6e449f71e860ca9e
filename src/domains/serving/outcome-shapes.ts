import { Name, object, optional, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

const Identifier = (description: string) =>
  Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\u0000]+$', description })

/** What followed, beside the label: a thumb, a conversion, revenue. */
export const Outcome = object({
  id: optional(
    Identifier(
      'Your identifier: sent again, it replaces the one before; without it, one of a name for each prediction',
    ),
  ),
  prediction: optional(Identifier('The prediction that it follows from')),
  unit: optional(
    Type.String({ minLength: 1, maxLength: 256, description: 'Instead of a prediction: the user or session' }),
  ),
  name: Name,
  value: Type.Union([Type.Number(), Type.Boolean()], { description: 'A number, or whether it happened' }),
  at: optional(Time),
})
