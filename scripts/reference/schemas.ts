import type { TSchema } from 'typebox'

/** One field that somebody may write, by its path from the outside: `serves.limits.timeout`, `steps[].run`. */
export type Field = { path: string; type: string; required: boolean; about: string }

/** As much of JSON Schema as the contracts use. */
export type Shape = TSchema & {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Shape[]
  items?: Shape | Shape[]
  properties?: Record<string, Shape>
  patternProperties?: Record<string, Shape>
  required?: string[]
  description?: string
  default?: unknown
  deprecated?: boolean
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
}

/** Every field of an object and of what lies in it, in the order in which they are declared. */
export function fieldsOf(schema: TSchema, prefix = ''): Field[] {
  const { properties = {}, required = [] } = schema as Shape
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}`
    const own = { path, type: typeOf(field), required: required.includes(name), about: aboutOf(field) }
    // An old name is listed; what lies in it stands under the new one.
    const inner = field.deprecated === true ? [] : within(field, path)
    // What only groups others is told by their paths.
    return own.type === 'object' && own.about === '' && inner.length > 0 ? inner : [own, ...inner]
  })
}

function within(field: Shape, path: string): Field[] {
  if (field.properties) return fieldsOf(field, `${path}.`)
  if (field.items && !Array.isArray(field.items)) return within(field.items, `${path}[]`)
  const values = valuesOf(field)
  if (values) return within(values, `${path}.<name>`)
  return (field.anyOf ?? []).flatMap((one) => within(one, path))
}

function valuesOf({ patternProperties }: Shape): Shape | undefined {
  return patternProperties && Object.values(patternProperties)[0]
}

function typeOf(field: Shape): string {
  if (field.enum) return field.enum.map((one) => `\`${String(one)}\``).join(' or ')
  if (field.const !== undefined) return `\`${String(field.const)}\``
  if (field.anyOf) return [...new Set(field.anyOf.map(typeOf))].join(' or ')
  if (Array.isArray(field.items)) return `[${field.items.map(typeOf).join(', ')}]`
  if (field.items) return `list of ${typeOf(field.items)}`
  const values = valuesOf(field)
  if (values) return `map of ${typeOf(values)}`
  const types = Array.isArray(field.type) ? field.type : [field.type ?? '']
  return types.map((type) => words[type] ?? 'anything').join(' or ') + boundsOf(field)
}

const words: Record<string, string> = {
  string: 'text',
  number: 'number',
  integer: 'integer',
  boolean: 'yes or no',
  null: 'null',
  object: 'object',
}

function boundsOf({ minimum, exclusiveMinimum, maximum }: Shape): string {
  const lower = minimum === undefined ? undefined : `from ${minimum}`
  const above = exclusiveMinimum === undefined ? undefined : `above ${exclusiveMinimum}`
  const upper = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? undefined : `up to ${maximum}`
  const bounds = [lower ?? above, upper].filter((bound) => bound !== undefined)
  return bounds.length === 0 ? '' : ` ${bounds.join(' ')}`
}

function aboutOf(field: Shape): string {
  const { description = '', default: standard } = field
  if (standard === undefined) return description
  return `${description}${description === '' ? '' : '; '}default \`${JSON.stringify(standard)}\``
}
