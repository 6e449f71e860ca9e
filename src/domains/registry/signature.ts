import type { Static } from 'typebox'
import { object, oneOf, optional } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

const InputType = oneOf(['number', 'integer', 'boolean', 'string'])

const SignatureInput = object({
  name: Type.String(),
  type: InputType,
  missing: optional(
    Type.Boolean({
      description:
        'It may be missing: the model gets NaN, or an empty text; of what a feature view gives, true is meant',
    }),
  ),
  minimum: optional(Type.Number()),
  maximum: optional(Type.Number()),
  values: optional(
    Type.Array(Type.String(), { minItems: 1, maxItems: 1_000, description: 'All values that a string may have' }),
  ),
})

const ColumnNames = Type.Array(Type.String(), { minItems: 1, maxItems: 10_000 })

/** What the version answers with, and how it is read from the file where that is not clear by shape and type. */
const SignatureOutput = object({
  name: Type.String({
    description: 'The output of the file that answers; of several it must be named, or begin alike',
  }),
  type: oneOf(['number', 'string']),
  kind: optional(
    oneOf(['score', 'class', 'value', 'ranking', 'text', 'vector'], {
      description: 'A chance from 0 to 1, a class, a number …; without it what the spec serves',
    }),
  ),
  classes: optional(
    Type.Array(Type.String(), { minItems: 2, maxItems: 10_000, description: 'What its columns stand for, in order' }),
  ),
  positive: optional(Type.String({ description: 'The class whose chance is the score' })),
  column: optional(Type.Integer({ minimum: 0, description: 'The column that counts, from 0' })),
  found: optional(Type.String({ description: 'The output of the file that answers; written at registration' })),
})

/** Inputs by name, as the model reads them; `request` fields come with the call, the others from the feature service. */
export const Signature = object({
  inputs: Type.Array(SignatureInput, { minItems: 1 }),
  columns: optional(
    Type.Union([ColumnNames, Type.Record(Type.String(), ColumnNames)], {
      description:
        'Input of the file -> the inputs above that fill a row of it, in order; a bare list where the file has one input',
    }),
  ),
  batch: optional(
    Type.Integer({ minimum: 1, description: 'Rows of one call, where the file takes no more; else found' }),
  ),
  output: SignatureOutput,
  inferred: optional(
    oneOf(['training_set', 'predictions'], {
      description: 'What its inputs were inferred from; absent where somebody said them',
    }),
  ),
})
export type Signature = Static<typeof Signature>
