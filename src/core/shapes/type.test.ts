import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as TypeBox from 'typebox'
import { Type } from './shapes.ts'

type Builders = Pick<typeof TypeBox.Type, keyof typeof Type>

/** A schema of everything that is used, by whoever builds it. */
function everything(type: Builders) {
  const described = { description: 'as described' }
  return [
    type.Object(
      {
        any: type.Any(),
        unknown: type.Unknown(described),
        none: type.Optional(type.Null()),
        flag: type.Optional(type.Boolean({ default: true })),
        integer: type.Integer({ minimum: 1, default: 10 }),
        number: type.Number({ exclusiveMinimum: 0 }),
        text: type.String({ pattern: '^a$', maxLength: 3 }),
        word: type.Enum(['a', 'b'], described),
        fixed: type.Union([type.Literal('a'), type.Literal(1), type.Literal(false)], described),
        list: type.Optional(type.Array(type.String(), { minItems: 1 })),
        pair: type.Tuple([type.Number(), type.Optional(type.String())], described),
        record: type.Record(type.String({ maxLength: 5 }), type.Number(), { maxProperties: 2 }),
        named: type.Record(type.String({ pattern: '^[a-z]+$' }), type.Unknown()),
      },
      { additionalProperties: false, ...described },
    ),
    type.Object({ lacking: type.Optional(type.String()) }),
    type.Object({}),
  ]
}

test('shapes are the schemas that TypeBox makes, to the order of their fields', () => {
  const [ours, theirs] = [everything(Type), everything(TypeBox.Type)].map((schemas) => JSON.stringify(schemas))
  assert.equal(ours, theirs)
})

test('what may be left out in one object is required in another', () => {
  const name = Type.String()
  Type.Object({ name: Type.Optional(name) })
  assert.deepEqual(Type.Object({ name }).required, ['name'])
})
