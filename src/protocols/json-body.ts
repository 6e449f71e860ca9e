import { invalidInput } from '../core/errors.ts'

export type Json = Record<string, unknown>

/** The body of a request whose protocol wants a JSON object. */
export function parseJson(body: string | Buffer): Json {
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch (cause) {
    throw invalidInput('The body is not JSON.', { cause })
  }
  return asObject(value, 'body')
}

export function asObject(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidInput(`"${name}" must be an object.`, { name })
  return value as Json
}

export function asList(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw invalidInput(`"${name}" must be a list.`, { name })
  return value
}
