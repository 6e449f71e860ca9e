import { parseExactJson } from '../../core/json/json.ts'
import { type AnyValue, type Attribute, plain, type Span, spanTypeKey } from '../../domains/traces/traces.ts'
import { conventions, inputKeys, modelKeys, outputKeys, providerKeys } from './conventions.ts'
import { flattenedInputs, flattenedOutputs, unflattened } from './flattened.ts'

/** Values nested deeper stay texts: readers of protobuf's JSON give up beyond a hundred levels. */
const deepest = 24

/**
 * A span as MLflow's server keeps it: texts that are JSON become what they say, and type, inputs, outputs and model are found
 * under the names that OpenTelemetry, OpenInference, Traceloop and others write them by. What a client says itself goes first,
 * and what is a prediction's stays as it was written.
 */
export function translate(span: Span): Span {
  const attributes = (span.attributes ?? []).map(
    ({ key, value }): Attribute => ({
      key,
      value: key.startsWith('keel.') ? (value ?? {}) : unquoted(value),
    }),
  )
  const own = new Map(attributes.map(({ key, value }) => [key, value]))
  const add = (key: string, value: AnyValue | undefined) => {
    if (value === undefined) return
    own.set(key, value)
  }
  const said = plain(own.get(spanTypeKey))
  if (said === null || said === 'UNKNOWN') add(spanTypeKey, typeFrom(own))
  if (!own.has('mlflow.spanInputs'))
    add('mlflow.spanInputs', firstOf(own, inputKeys) ?? unflattened(own, flattenedInputs))
  if (!own.has('mlflow.spanOutputs'))
    add('mlflow.spanOutputs', firstOf(own, outputKeys) ?? unflattened(own, flattenedOutputs))
  if (!own.has('mlflow.llm.model')) add('mlflow.llm.model', firstOf(own, modelKeys))
  if (!own.has('mlflow.llm.provider')) add('mlflow.llm.provider', firstOf(own, providerKeys))
  return { ...span, attributes: [...own].map(([key, value]) => ({ key, value: value ?? {} })) }
}

function typeFrom(own: ReadonlyMap<string, AnyValue | undefined>): AnyValue | undefined {
  for (const { key, types } of conventions) {
    const kind = plain(own.get(key))
    if (typeof kind === 'string' && Object.hasOwn(types, kind)) return { stringValue: types[kind] ?? '' }
  }
  return undefined
}

/** The first attribute that says something; of a pattern, the first in the order in which they were written. */
function firstOf(
  own: ReadonlyMap<string, AnyValue | undefined>,
  keys: readonly (string | RegExp)[],
): AnyValue | undefined {
  for (const key of keys) {
    const names = typeof key === 'string' ? [key] : [...own.keys()].filter((name) => key.test(name))
    for (const name of names) {
      const value = own.get(name)
      if (value !== undefined && saysSomething(plain(value))) return value
    }
  }
  return undefined
}

function saysSomething(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}

/** A text that is an object, a list or a text in JSON, as that; numbers and words stay texts, for they may be meant as such. */
function unquoted(value: AnyValue | undefined): AnyValue {
  const text = value?.stringValue
  if (text === undefined || !/^\s*["[{]/.test(text)) return value ?? {}
  try {
    const parsed = parseExactJson(text)
    if (depthOf(parsed) > deepest) return value ?? {}
    return typeof parsed === 'string' || (typeof parsed === 'object' && parsed !== null)
      ? toAnyValue(parsed)
      : (value ?? {})
  } catch {
    return value ?? {}
  }
}

function depthOf(value: unknown, limit = deepest): number {
  if (typeof value !== 'object' || value === null) return 0
  if (limit === 0) return 1
  return 1 + Object.values(value).reduce((most: number, one) => Math.max(most, depthOf(one, limit - 1)), 0)
}

function toAnyValue(value: unknown): AnyValue {
  if (value === null) return {}
  if (typeof value === 'string') return { stringValue: value.toWellFormed().replaceAll('\u0000', '') }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint')
    return fitsInteger(value) ? { intValue: String(value) } : { doubleValue: Number(value) }
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toAnyValue) } }
  return {
    kvlistValue: { values: Object.entries(value as object).map(([key, one]) => ({ key, value: toAnyValue(one) })) },
  }
}

const fitsInteger = (value: bigint) => BigInt.asIntN(64, value) === value
