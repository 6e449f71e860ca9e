import { createRequire } from 'node:module'
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv'
import type { Static, TSchema } from 'typebox'
import { AppError, type ErrorCode, type Issue } from './errors.ts'
import { didYouMean } from './suggest.ts'
import { parseIsoTime } from './time.ts'

/** Reads the validator with the first shape that is compiled, not at the start. */
const require = createRequire(import.meta.url)

function createAjv(coerceTypes: boolean | 'array'): Ajv {
  const library = require('ajv') as typeof import('ajv')
  const formats = require('ajv-formats') as { default(ajv: Ajv): void }
  // Every shape is ours and known to be valid, so the schema of schemas need not be compiled.
  const options = { allErrors: true, useDefaults: true, verbose: true, strict: false, validateSchema: false }
  const ajv = new library.Ajv({ ...options, coerceTypes })
  formats.default(ajv)
  // Without a zone it is UTC, whatever the zone of this machine is: nothing else may read such a text.
  ajv.addFormat('iso-date-time', (text: string) => parseIsoTime(text) !== undefined)
  return ajv
}

type Compiler = { ajv: Ajv; compiled: WeakMap<TSchema, ValidateFunction> }
const compilers = new Map<boolean, Compiler>()

type Options = { code?: ErrorCode; what?: string; coerce?: boolean }

/**
 * Parses unknown data by a schema: fills defaults, and (for what came as text in a URL) reads numbers and booleans.
 * Throws one error that names every offending field, with a suggestion for unknown names.
 */
export function parse<Schema extends TSchema>(schema: Schema, data: unknown, options: Options = {}): Static<Schema> {
  const { code = 'invalid_input', what = 'The input', coerce = false } = options
  const validate = validatorOf(schema, coerce)
  const draft = copyOf(data)
  if (validate(draft)) return draft as Static<Schema>
  const issues = (validate.errors ?? []).filter((error) => error.keyword !== 'if').map(toIssue)
  const unique = [...new Map(issues.map((issue) => [`${issue.path} ${issue.message}`, issue])).values()]
  const first = unique[0] ?? { path: '', message: 'is not valid' }
  const more = unique.length > 1 ? ` (and ${unique.length - 1} more)` : ''
  throw new AppError(code, `${what}: ${first.path ? `"${first.path}" ` : ''}${first.message}${more}.`, {
    name: first.path,
    hint: hintOf(validate.errors ?? []),
    issues: unique,
  })
}

/** Whether data are as the schema says; defaults are not filled in. */
export function fits(schema: TSchema, data: unknown): boolean {
  return validatorOf(schema, false)(copyOf(data))
}

function validatorOf(schema: TSchema, coerce: boolean): ValidateFunction {
  const { ajv, compiled } = compilerOf(coerce)
  const known = compiled.get(schema)
  if (known) return known
  const validate = ajv.compile(schema)
  compiled.set(schema, validate)
  return validate
}

function compilerOf(coerce: boolean): Compiler {
  const known = compilers.get(coerce)
  if (known) return known
  const compiler = { ajv: createAjv(coerce ? 'array' : false), compiled: new WeakMap() }
  compilers.set(coerce, compiler)
  return compiler
}

/** A copy to fill defaults into. What JSON knows is copied here, many times faster than a structured clone does it. */
function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return structuredClone(value)
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    // Written like any other key it would replace the prototype instead of being refused by its name.
    if (key === '__proto__')
      Object.defineProperty(copy, key, { value: item, enumerable: true, writable: true, configurable: true })
    else copy[key] = copyOf(item)
  }
  return copy
}

function toIssue(error: ErrorObject): Issue {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer).join('.')
  const parameters = error.params as Record<string, unknown>
  if (error.keyword === 'additionalProperties') {
    return { path: join(path, String(parameters['additionalProperty'])), message: 'is not a known name' }
  }
  if (error.keyword === 'required')
    return { path: join(path, String(parameters['missingProperty'])), message: 'is missing' }
  if (error.keyword === 'enum') {
    const allowed = (parameters['allowedValues'] as unknown[]).map(String)
    return { path, message: `must be one of: ${allowed.join(', ')}` }
  }
  const words = wordsOf(error)
  if (words) return { path, message: `must be like one of: ${words.join(', ')}` }
  if (error.keyword === 'const') return { path, message: `must be ${JSON.stringify(parameters['allowedValue'])}` }
  if (parameters['format'] === 'iso-date-time')
    return { path, message: 'must be a time in ISO 8601, such as 2026-01-31T09:00:00Z (without a zone it is UTC)' }
  return { path, message: error.message ?? 'is not valid' }
}

function hintOf(errors: ErrorObject[]): string | undefined {
  for (const error of errors) {
    const parent = error.parentSchema as { properties?: Record<string, unknown> } | undefined
    const parameters = error.params as Record<string, unknown>
    if (error.keyword === 'additionalProperties') {
      const known = Object.keys(parent?.properties ?? {})
      return didYouMean(String(parameters['additionalProperty']), known) ?? `Known names: ${known.join(', ')}.`
    }
    const words = wordsOf(error)
    if (words) return didYouMean(String(error.data), words)
    if (error.keyword === 'enum') {
      return didYouMean(String(error.data), (parameters['allowedValues'] as unknown[]).map(String))
    }
  }
  return undefined
}

/** A pattern that stands for a few words shows them, as a list of words would. */
function wordsOf({ keyword, parentSchema }: ErrorObject): string[] | undefined {
  const parent = parentSchema as { words?: string[] } | undefined
  return keyword === 'pattern' ? parent?.words : undefined
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

const openedShapes = new WeakMap<TSchema, TSchema>()

/** The same shape for what another version may have written: fields that this one does not know are no error, at any depth. */
export function opened(schema: TSchema): TSchema {
  const found = openedShapes.get(schema) ?? (JSON.parse(JSON.stringify(schema), dropClosed) as TSchema)
  openedShapes.set(schema, found)
  return found
}

function dropClosed(key: string, value: unknown): unknown {
  return key === 'additionalProperties' && value === false ? undefined : value
}

export function readStored<Schema extends TSchema>(schema: Schema, value: unknown, what: string): Static<Schema> {
  return parse(opened(schema), value, { what }) as Static<Schema>
}
