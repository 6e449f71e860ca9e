import { AppError, invalidInput, toAppError } from '../../core/errors.ts'
import { parseExactJson } from '../../core/json/json.ts'
import type { AnyValue, Attribute, Span } from '../../domains/traces/traces.ts'
import { translate } from './translate.ts'

export const maxBody = 16 * 1024 * 1024
const maxSpans = 20_000
const maxAttributes = 2_000
const maxNameLength = 2_000
const deepest = 24

type Json = Record<string, unknown>

/** Spans in one shape, whichever way they came, and what is wrong with those that are none. */
export type Decoded = { spans: Span[]; rejected: AppError[] }

/** The spans of an export request, each looked at by itself: one that is no span does not cost the others. */
export async function decodeSpans(body: Buffer, format: 'json' | 'protobuf'): Promise<Decoded> {
  const message = format === 'json' ? parseJson(body) : await parseProtobuf(body)
  const toHex = format === 'json' ? (text: string) => text.toLowerCase() : base64ToHex
  const given = list(message['resourceSpans'], 'resourceSpans').flatMap((resource, r) =>
    list(resource['scopeSpans'], 'scopeSpans').flatMap((scope, s) =>
      list(scope['spans'], 'spans').map((span, n) => ({
        span,
        path: `resourceSpans[${r}].scopeSpans[${s}].spans[${n}]`,
      })),
    ),
  )
  if (given.length > maxSpans) throw new AppError('too_large', `At most ${maxSpans} spans fit into one request.`)
  const decoded: Decoded = { spans: [], rejected: [] }
  for (const { span, path } of given) {
    try {
      decoded.spans.push(translate(toSpan(span, path, toHex)))
    } catch (error) {
      decoded.rejected.push(toAppError(error))
    }
  }
  const [first] = decoded.rejected
  if (first !== undefined && decoded.spans.length === 0) throw first
  return decoded
}

async function parseProtobuf(body: Buffer): Promise<Json> {
  const { decodeRequest } = await import('./messages.ts')
  try {
    return decodeRequest(body)
  } catch (cause) {
    throw invalidInput('The body is not an ExportTraceServiceRequest.', { cause })
  }
}

function parseJson(body: Buffer): Json {
  try {
    const message = record(parseExactJson(new TextDecoder('utf-8', { fatal: true }).decode(body)), 'body')
    // Other names would be passed over as unknown, and the spans within them lost without a word.
    if (message['resourceSpans'] === undefined && Object.keys(message).length > 0)
      wrong('resourceSpans', 'is missing: names are written in lowerCamelCase')
    return message
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw invalidInput('The body is not JSON in UTF-8.', { cause })
  }
}

function base64ToHex(text: string): string {
  return Buffer.from(text, 'base64').toString('hex')
}

function wrong(path: string, what: string): never {
  throw invalidInput(`"${path}" ${what}.`, { name: path })
}

function record(value: unknown, path: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) wrong(path, 'must be an object')
  return value as Json
}

function list(value: unknown, path: string): Json[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) wrong(path, 'must be a list')
  return value.map((item: unknown, index) => record(item, `${path}[${index}]`))
}

function text(value: unknown, path: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') wrong(path, 'must be a string')
  return value.toWellFormed().replaceAll('\u0000', '')
}

function identifier(value: unknown, path: string, digits: number, toHex: (text: string) => string): string {
  const hex = toHex(text(value, path))
  if (!new RegExp(`^[0-9a-f]{${digits}}$`).test(hex) || /^0+$/.test(hex))
    wrong(path, `must be ${digits} hex digits, not all zero`)
  return hex
}

function nanoseconds(value: unknown, path: string): string {
  const exact = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))
  const written = exact ? String(value) : value
  if (typeof written !== 'string' || !/^\d{1,19}$/.test(written)) wrong(path, 'must be nanoseconds since 1970')
  return written
}

const statusCodes = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR']
const spanKinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map(
  (kind) => `SPAN_KIND_${kind}`,
)

/** Numbers by the standard; names, for that is what general writers of protobuf's JSON make of them. */
function enumeration(value: unknown, names: readonly string[], path: string): number {
  if (value === undefined || value === null) return 0
  const number = typeof value === 'string' && names.includes(value) ? names.indexOf(value) : Number(value)
  return Number.isSafeInteger(number) && number >= 0
    ? number
    : wrong(path, `must be a number or one of ${names.join(', ')}`)
}

function toSpan(span: Json, path: string, toHex: (text: string) => string): Span {
  const parent = text(span['parentSpanId'], `${path}.parentSpanId`)
  const name = text(span['name'], `${path}.name`)
  if (name.length > maxNameLength) wrong(`${path}.name`, `is longer than ${maxNameLength} characters`)
  const end = span['endTimeUnixNano']
  const status = span['status'] === undefined || span['status'] === null ? {} : record(span['status'], `${path}.status`)
  const code = enumeration(status['code'], statusCodes, `${path}.status.code`)
  const kind = enumeration(span['kind'], spanKinds, `${path}.kind`)
  return {
    traceId: identifier(span['traceId'], `${path}.traceId`, 32, toHex),
    spanId: identifier(span['spanId'], `${path}.spanId`, 16, toHex),
    ...(parent === '' ? {} : { parentSpanId: identifier(parent, `${path}.parentSpanId`, 16, toHex) }),
    name,
    ...(kind > 0 ? { kind } : {}),
    startTimeUnixNano: nanoseconds(span['startTimeUnixNano'], `${path}.startTimeUnixNano`),
    ...(end === undefined || end === null || end === '0' || end === 0
      ? {}
      : { endTimeUnixNano: nanoseconds(end, `${path}.endTimeUnixNano`) }),
    attributes: toAttributes(span['attributes'], `${path}.attributes`),
    events: list(span['events'], `${path}.events`).map((event, index) => ({
      name: text(event['name'], `${path}.events[${index}].name`),
      timeUnixNano: nanoseconds(event['timeUnixNano'] ?? '0', `${path}.events[${index}].timeUnixNano`),
      attributes: toAttributes(event['attributes'], `${path}.events[${index}].attributes`),
    })),
    status: {
      ...(code === 0 ? {} : { code }),
      ...(status['message'] ? { message: text(status['message'], `${path}.status.message`) } : {}),
    },
  }
}

function toAttributes(value: unknown, path: string, depth = 0): Attribute[] {
  const given = list(value, path)
  if (given.length > maxAttributes) wrong(path, `has more than ${maxAttributes} entries`)
  return given.map((attribute, index) => ({
    key: text(attribute['key'], `${path}[${index}].key`),
    value: toValue(attribute['value'], `${path}[${index}].value`, depth),
  }))
}

function toValue(value: unknown, path: string, depth: number): AnyValue {
  if (value === undefined || value === null) return {}
  if (depth > deepest) wrong(path.slice(0, 200), `is nested deeper than ${deepest}`)
  const given = record(value, path)
  if (given['stringValue'] !== undefined) return { stringValue: text(given['stringValue'], path) }
  if (given['boolValue'] !== undefined) return { boolValue: given['boolValue'] === true }
  if (given['intValue'] !== undefined) {
    const written = String(given['intValue'])
    const fits = /^-?\d{1,19}$/.test(written) && BigInt.asIntN(64, BigInt(written)) === BigInt(written)
    return fits ? { intValue: written } : wrong(path, 'must be a 64-bit integer')
  }
  if (given['doubleValue'] !== undefined) return toDouble(given['doubleValue'], path)
  if (given['arrayValue'] !== undefined) {
    const values = record(given['arrayValue'], path)['values'] ?? []
    if (!Array.isArray(values)) wrong(path, 'must be a list')
    return {
      arrayValue: { values: values.map((item: unknown, index) => toValue(item, `${path}[${index}]`, depth + 1)) },
    }
  }
  if (given['kvlistValue'] !== undefined)
    return { kvlistValue: { values: toAttributes(record(given['kvlistValue'], path)['values'], path, depth + 1) } }
  return given['bytesValue'] === undefined ? {} : { bytesValue: text(given['bytesValue'], path) }
}

/** JSON has no NaN and no infinities: these are texts. */
function toDouble(value: unknown, path: string): AnyValue {
  const number = Number(value)
  if (typeof value !== 'number' && !(typeof value === 'string' && /^(NaN|-?Infinity)$/.test(value)))
    wrong(path, 'must be a number')
  return { doubleValue: Number.isFinite(number) ? number : String(number) }
}
