import type { Context } from '../../core/context.ts'
import { invalidInput } from '../../core/errors.ts'
import type { Row, Value } from '../../core/onnx/onnx.ts'
import { didYouMean } from '../../core/suggest.ts'
import { toDeclared } from '../../core/tables/tables.ts'
import * as features from '../features/features.ts'
import { variablesOf } from './rules.ts'
import type { Signature } from './signature.ts'
import type { ModelSpec } from './spec/spec.ts'

/** One column of a row, as the signature, the feature service and the spec say it. */
export type Field = {
  name: string
  type: 'number' | 'string'
  integer?: boolean | undefined
  boolean?: boolean | undefined
  missing?: boolean | undefined
  minimum?: number | undefined
  maximum?: number | undefined
  values?: string[] | undefined
}

/** What a row must be: fields that come with the request, and those that feature views give. */
export type RowRules = { request: Field[]; views: Field[] }

type Version = { service: string | null; prompt: string | null; signature: Signature | null }

/**
 * The one rule for rows, whoever asks: gate, every door, batch, shadow and replay. A field may be missing only where
 * signature or spec say so; what a feature view gives may be, unless the signature says that it may not.
 */
export async function rowRules(
  ctx: Context,
  version: Version | undefined,
  serves: ModelSpec['serves'] | undefined,
): Promise<RowRules> {
  if (!version) return { request: [], views: [] }
  const { service, prompt, signature } = version
  const missing = new Set(serves?.missing)
  const fieldOf = ({ type, ...input }: Signature['inputs'][number]): Field => ({
    ...input,
    type: type === 'string' ? 'string' : 'number',
    integer: type === 'integer',
    boolean: type === 'boolean',
    missing: input.missing === true || missing.has(input.name),
  })
  const inputs = signature?.inputs ?? []
  if (service === null) {
    const variables = (prompt === null ? [] : variablesOf(prompt)).map((name): Field => ({ name, type: 'string' }))
    return { request: prompt === null ? inputs.map(fieldOf) : variables, views: [] }
  }
  const requested = await features.requestFields(ctx, service)
  const request = requested.map((field): Field => {
    const input = inputs.find(({ name }) => name === field.name)
    return input ? fieldOf(input) : { ...field, missing: missing.has(field.name) }
  })
  const views = inputs
    .filter(({ name }) => !requested.some((field) => field.name === name))
    .map((input): Field => {
      // Its range is what the model was trained on: a caller could not mend a feature that left it.
      const { minimum: _least, maximum: _most, values: _values, ...field } = fieldOf(input)
      return { ...field, missing: input.missing ?? true }
    })
  return { request, views }
}

/** A name that no version reads is a mistake that would go unnoticed. */
export function refuseUnknown(given: Record<string, unknown>, known: ReadonlySet<string>): void {
  if (known.size === 0) return
  for (const name of Object.keys(given)) {
    if (known.has(name)) continue
    const hint = didYouMean(name, [...known]) ?? `Known inputs: ${[...known].join(', ')}.`
    throw invalidInput(`The input ${shownValue(name)} is not known.`, { name: name.slice(0, maxShownLength), hint })
  }
}

/**
 * The values of these fields as the model gets them, or the reason why there are none. `fromTable`: a column whose type was
 * guessed or comes from a view, so that numbers of a text column are its text.
 */
export function readFields(fields: readonly Field[], given: Record<string, unknown>, fromTable = false): Row {
  const row: Row = {}
  for (const field of fields) {
    const value = Object.hasOwn(given, field.name) ? given[field.name] : undefined
    row[field.name] = readValue(field, value, fromTable)
  }
  return row
}

function readValue(field: Field, given: unknown, fromTable: boolean): Value {
  const { name, minimum, maximum, values } = field
  if (given === undefined || given === null || Number.isNaN(given)) {
    if (field.missing === true) return null
    throw invalidInput(`The input "${name}" is missing.`, {
      name,
      hint: `Where it may be, say so: "missing": true in the signature, or "missing: [${name}]" under "serves" in the spec.`,
    })
  }
  const value = field.type === 'string' ? asText(field, given, fromTable) : asNumber(field, given)
  if (minimum !== undefined && Number(value) < minimum) throw wrong(field, `at least ${minimum}`, given)
  if (maximum !== undefined && Number(value) > maximum) throw wrong(field, `at most ${maximum}`, given)
  if (values && !values.includes(String(value))) {
    const hint = didYouMean(String(value), values) ?? `It can be ${values.slice(0, 20).join(', ')}.`
    throw invalidInput(`The input "${name}" cannot be ${shownValue(given)}.`, { name, hint })
  }
  return value
}

/** A value that says the same in another type is that value: 7 is the text `7`, and the text `7` is the number. */
function asText(field: Field, given: unknown, fromTable: boolean): string {
  const read = toDeclared(given, 'string')
  if (typeof read === 'string') return read
  if (fromTable && ['number', 'boolean', 'bigint'].includes(typeof given)) return String(given)
  throw wrong(field, 'a string', given)
}

function asNumber(field: Field, given: unknown): number | string {
  const value = typeof given === 'boolean' ? Number(given) : readDigits(field, given)
  if (field.boolean === true) {
    if (value === 0 || value === 1) return value
    throw wrong(field, 'true or false', given)
  }
  if (field.integer === true) return asInteger(field, value)
  if (typeof value === 'bigint') return exactNumber(field, value)
  if (typeof value !== 'number') throw wrong(field, 'a number', given)
  if (!Number.isFinite(value)) throw wrong(field, 'a finite number', given)
  return value
}

function readDigits(field: Field, given: unknown): unknown {
  if (typeof given !== 'string') return given
  const read = toDeclared(given, field.integer === true ? 'integer' : 'number')
  return typeof read === 'number' || typeof read === 'bigint' ? read : given
}

function exactNumber({ name }: Field, given: bigint): number {
  if (Number.isSafeInteger(Number(given)) || BigInt(Number(given)) === given) return Number(given)
  throw invalidInput(`The input "${name}" is ${given}, which no number holds exactly.`, {
    name,
    hint: 'Declare it as a string, or as an integer in the signature.',
  })
}

/** Whole numbers are exact: what a double cannot hold is kept as its digits. */
function asInteger(field: Field, given: unknown): number | string {
  if (typeof given === 'bigint') {
    const number = Number(given)
    return Number.isSafeInteger(number) ? number : String(given)
  }
  if (typeof given !== 'number') throw wrong(field, 'a number', given)
  if (!Number.isInteger(given)) throw wrong(field, 'a whole number', given)
  if (Number.isSafeInteger(given)) return given
  throw invalidInput(`The input "${field.name}" is ${given}, which is not exact beyond ±2^53.`, {
    name: field.name,
    hint: 'Write it as a text of digits.',
  })
}

function wrong({ name }: Field, wanted: string, given: unknown) {
  return invalidInput(`The input "${name}" must be ${wanted}, not ${shownValue(given)}.`, { name })
}

const maxShownLength = 100

export function shownValue(value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : JSON.stringify(value)
  return text.length > maxShownLength ? `${text.slice(0, maxShownLength)}…` : text
}
