import { AppError, invalidInput } from '../../core/errors.ts'
import type { AnyValue, Attribute, Span } from '../../domains/traces/traces.ts'

export const maxBody = 16 * 1024 * 1024
const maxSpans = 20_000
const maxAttributes = 2_000
const maxNameLength = 2_000
const deepest = 24

type Json = Record<string, unknown>

/** The spans of an export request, each checked and in one shape, whichever way they came. */
export async function decodeSpans(body: Buffer, format: 'json' | 'protobuf'): Promise<Span[]> {
  const message = format === 'json' ? parseJson(body) : await parseProtobuf(body)
  const toHex = format === 'json' ? (text: string) => text.toLowerCase() : base64ToHex
  const spans = list(message['resourceSpans'], 'resourceSpans').flatMap((resource, r) =>
    list(resource['scopeSpans'], 'scopeSpans').flatMap((scope, s) =>
      list(scope['spans'], 'spans').map((span, n) =>
        toSpan(span, `resourceSpans[${r}].scopeSpans[${s}].spans[${n}]`, toHex),
      ),
    ),
  )
  if (spans.length > maxSpans) throw new AppError('too_large', `At most ${maxSpans} spans fit into one request.`)
  return spans
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
    return record(JSON.parse(body.toString('utf8')), 'body')
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw invalidInput('The body is not JSON.', { cause })
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
  return value.replaceAll('\u0000', '')
}

function identifier(value: unknown, path: string, digits: number, toHex: (text: string) => string): string {
  const hex = toHex(text(value, path))
  if (!new RegExp(`^[0-9a-f]{${digits}}$`).test(hex) || /^0+$/.test(hex))
    wrong(path, `must be ${digits} hex digits, not all zero`)
  return hex
}

function nanoseconds(value: unknown, path: string): string {
  const written = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  if (typeof written !== 'string' || !/^\d{1,19}$/.test(written)) wrong(path, 'must be nanoseconds since 1970')
  return written
}

function toSpan(span: Json, path: string, toHex: (text: string) => string): Span {
  const parent = text(span['parentSpanId'], `${path}.parentSpanId`)
  const name = text(span['name'], `${path}.name`)
  if (name.length > maxNameLength) wrong(`${path}.name`, `is longer than ${maxNameLength} characters`)
  const end = span['endTimeUnixNano']
  const status = span['status'] === undefined || span['status'] === null ? {} : record(span['status'], `${path}.status`)
  const code = Number(status['code'] ?? 0)
  const kind = Number(span['kind'] ?? 0)
  return {
    traceId: identifier(span['traceId'], `${path}.traceId`, 32, toHex),
    spanId: identifier(span['spanId'], `${path}.spanId`, 16, toHex),
    ...(parent === '' ? {} : { parentSpanId: identifier(parent, `${path}.parentSpanId`, 16, toHex) }),
    name,
    ...(Number.isInteger(kind) && kind > 0 ? { kind } : {}),
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
    return /^-?\d{1,19}$/.test(written) ? { intValue: written } : wrong(path, 'must be a 64-bit integer')
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
