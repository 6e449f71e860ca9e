import type { TSchema } from 'typebox'
import type { Shape } from '../reference/schemas.ts'

const words: Record<string, string> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
  object: 'Record<string, unknown>',
  array: 'unknown[]',
}

/** The TypeScript type of what a shape describes. */
export function typeText(shape: TSchema): string {
  const { enum: values, const: only, anyOf, items, properties, patternProperties, type } = shape as Shape
  if (values) return values.map((value) => JSON.stringify(value)).join(' | ')
  if (only !== undefined) return JSON.stringify(only)
  if (anyOf) return [...new Set(anyOf.map(typeText))].join(' | ')
  if (Array.isArray(items)) return `[${items.map(typeText).join(', ')}]`
  if (Array.isArray(type)) return type.map((one) => typeText({ ...shape, type: one })).join(' | ')
  if (items) return `(${typeText(items)})[]`
  if (properties && type !== 'string') return fieldsText(shape as Shape)
  const value = patternProperties && Object.values(patternProperties)[0]
  if (value) return `Record<string, ${typeText(value)}>`
  return words[type ?? ''] ?? 'unknown'
}

/** What may be left out may also be given as undefined. */
function fieldsText({ properties = {}, required = [] }: Shape): string {
  const fields = Object.entries(properties).map(([name, field]) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)
    return required.includes(name) ? `${key}: ${typeText(field)}` : `${key}?: ${typeText(field)} | undefined`
  })
  return fields.length === 0 ? 'Record<string, never>' : `{ ${fields.join('; ')} }`
}
