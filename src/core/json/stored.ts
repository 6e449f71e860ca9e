import type { Static, TSchema } from 'typebox'
import { parse } from '../validate.ts'

const known = new WeakMap<TSchema, TSchema>()

/** The same shape for what another version may have written: fields that this one does not know are no error, at any depth. */
export function opened(schema: TSchema): TSchema {
  const found = known.get(schema) ?? (JSON.parse(JSON.stringify(schema), dropClosed) as TSchema)
  known.set(schema, found)
  return found
}

function dropClosed(key: string, value: unknown): unknown {
  return key === 'additionalProperties' && value === false ? undefined : value
}

export function readStored<Schema extends TSchema>(schema: Schema, value: unknown, what: string): Static<Schema> {
  return parse(opened(schema), value, { what }) as Static<Schema>
}
