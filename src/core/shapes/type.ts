import type { Type as TypeBox } from 'typebox'

type Options = Readonly<Record<string, unknown>>
type SchemaNode = Record<string, unknown>
type SchemaKind =
  | 'Any'
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Tuple'
  | 'Union'
  | 'Unknown'

/** Marks what an object may lack, as TypeBox does: no JSON shows it. */
const lackable = '~optional'

/**
 * The schemas that TypeBox makes, by the functions that are used here: its types derive ours, while its 370 files, a tenth
 * of a second of every start, stay unread. A test compares.
 */
const builders = {
  Any: (options?: Options) => ({ ...options }),
  Unknown: (options?: Options) => ({ ...options }),
  Null: (options?: Options) => ({ type: 'null', ...options }),
  Boolean: (options?: Options) => ({ type: 'boolean', ...options }),
  Integer: (options?: Options) => ({ type: 'integer', ...options }),
  Number: (options?: Options) => ({ type: 'number', ...options }),
  String: (options?: Options) => ({ type: 'string', ...options }),
  Literal: (value: string | number | boolean, options?: Options) => ({ type: typeof value, const: value, ...options }),
  Enum: (values: readonly unknown[], options?: Options) => ({ enum: [...values], ...options }),
  Array: (items: SchemaNode, options?: Options) => ({ type: 'array', items, ...options }),
  Tuple: (items: readonly SchemaNode[], options?: Options) => ({
    type: 'array',
    additionalItems: false,
    items,
    minItems: items.length,
    ...options,
  }),
  Union: (anyOf: readonly SchemaNode[], options?: Options) => ({ anyOf, ...options }),
  Record: (key: SchemaNode, value: SchemaNode, options?: Options) => ({
    type: 'object',
    patternProperties: { [typeof key['pattern'] === 'string' ? key['pattern'] : '^.*$']: value },
    ...options,
  }),
  Object: (properties: Record<string, SchemaNode>, options?: Options) => {
    const required = Object.keys(properties).filter((name) => !(lackable in (properties[name] ?? {})))
    return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options }
  },
  Optional: (schema: SchemaNode) => Object.defineProperty({ ...schema }, lackable, { value: true }),
}

export const Type = builders as unknown as Pick<typeof TypeBox, SchemaKind>
