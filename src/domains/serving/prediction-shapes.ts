import { JsonObject, Name, object, oneOf, optional, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { Marks } from '../registry/contract.ts'

export const Value = Type.Union([Type.Number(), Type.String(), Type.Null()])

const maxItems = 10_000
const Relevance = Type.Number({ minimum: 0 })
const LabelValue = Type.Union([
  Type.Number(),
  Type.String({ maxLength: 100_000 }),
  Type.Array(Relevance, { minItems: 1, maxItems }),
  Type.Record(Type.String(), Relevance, { maxProperties: maxItems }),
])

export const Prediction = object({
  id: Type.String(),
  endpoint: Name,
  at: Time,
  unit: Type.String(),
  release: Type.String(),
  version: Type.Integer(),
  arm: oneOf(['live', 'canary', 'shadow']),
  inputs: Type.Record(Type.String(), Value),
  output: Type.Union([Type.Number(), Type.String(), Type.Null()]),
  bad: Type.Union([oneOf(['error', 'slow', 'invalid']), Type.Null()]),
  marks: Marks,
  latencyMs: Type.Number(),
  fallback: Type.Boolean({ description: 'It answered for a release that could not' }),
  forced: Type.Boolean({ description: 'Kept although the sample would not have: not counted as typical' }),
  traceId: Type.Union([Type.String(), Type.Null()]),
  knownAt: Type.Record(Type.String(), Time, { description: 'Feature -> since when its value could be known' }),
  cost: Type.Union([Type.Number(), Type.Null()], { description: "In the price table's currency" }),
  tokens: Type.Union([object({ input: Type.Number(), output: Type.Number() }), Type.Null()]),
  firstTokenMs: Type.Union([Type.Number(), Type.Null()], {
    description: 'Of a stream: from the question to the first piece of text',
  }),
  label: Type.Union([LabelValue, Type.Null()]),
  labelKnownAt: Type.Union([Time, Type.Null()]),
})

/** What a service of somebody's own answered. */
export const RecordedPrediction = object({
  id: Type.String({
    minLength: 1,
    maxLength: 128,
    pattern: '^[^\\u0000]+$',
    description: 'Labels refer to it',
  }),
  at: optional(Time),
  inputs: optional(JsonObject),
  output: Type.Union(
    [
      Type.Number(),
      Type.String({ maxLength: 100_000 }),
      Type.Boolean(),
      Type.Null(),
      Type.Array(Value, { minItems: 1, maxItems }),
      Type.Record(Type.String(), Type.Number(), { maxProperties: maxItems }),
    ],
    {
      description:
        'A list is a ranking, the best first; an object has the probability of each class, or the score of each item. Both are kept as their JSON',
    },
  ),
  release: optional(Name),
  version: optional(Type.Integer({ minimum: 0, description: 'A registered one; without it any' })),
  unit: optional(Type.String({ minLength: 1, maxLength: 256, description: 'User or session' })),
  bad: optional(oneOf(['error', 'slow', 'invalid'])),
  marks: optional(Marks),
  latencyMs: optional(Type.Number({ minimum: 0 })),
  cost: optional(Type.Number({ minimum: 0, description: "In the price table's currency" })),
  tokens: optional(object({ input: Type.Number({ minimum: 0 }), output: Type.Number({ minimum: 0 }) })),
  traceId: optional(Type.String({ maxLength: 128 })),
})

/** What turned out. */
export const Label = object({
  id: Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\u0000]+$' }),
  value: Type.Union([LabelValue, Type.Boolean()], {
    description:
      'By what it answers: 0 or 1, a quantity, a class, the relevance of an item or of each item of a list, the expected text or a score from 0 to 1',
  }),
})
