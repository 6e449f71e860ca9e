import { previewOf } from './preview.ts'

/** A value as OTLP's JSON has it: exactly one of the fields, 64-bit integers as strings, bytes in base64. */
export type AnyValue = {
  stringValue?: string
  boolValue?: boolean
  intValue?: string | number
  doubleValue?: number | string
  bytesValue?: string
  arrayValue?: { values?: AnyValue[] }
  kvlistValue?: { values?: Attribute[] }
}

export type Attribute = { key: string; value?: AnyValue }

/** A span as OTLP's JSON has it: ids in hex, times in nanoseconds as strings. */
export type Span = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind?: number
  startTimeUnixNano: string
  endTimeUnixNano?: string
  attributes?: Attribute[]
  events?: { name?: string; timeUnixNano?: string; attributes?: Attribute[] }[]
  status?: { code?: number; message?: string }
  [other: string]: unknown
}

export const spanTypeKey = 'mlflow.spanType'

/** What a value says; an integer that a number does not hold exactly is a bigint. */
export function plain(value: AnyValue | undefined): unknown {
  if (!value) return null
  if (value.stringValue !== undefined) return value.stringValue
  if (value.boolValue !== undefined) return value.boolValue
  if (value.intValue !== undefined) {
    const number = Number(value.intValue)
    return Number.isSafeInteger(number) || typeof value.intValue === 'number' ? number : BigInt(value.intValue)
  }
  if (value.doubleValue !== undefined) return Number(value.doubleValue)
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain)
  if (value.kvlistValue !== undefined) return plainAttributes(value.kvlistValue.values)
  return value.bytesValue ?? null
}

export function plainAttributes(attributes: readonly Attribute[] | undefined): Record<string, unknown> {
  return Object.fromEntries((attributes ?? []).map(({ key, value }) => [key, plain(value)]))
}

export const traceIdOf = (span: Pick<Span, 'traceId'>): string => `tr-${span.traceId}`

export function millisecondsOfNanoseconds(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1_000n) / 1_000
}

export type SpanState = 'UNSET' | 'OK' | 'ERROR'
const spanStates: readonly SpanState[] = ['UNSET', 'OK', 'ERROR']

export function statusOf({ status }: Span): SpanState {
  return spanStates[status?.code ?? 0] ?? 'UNSET'
}

/** The type of a span; clients write it as a string, or as that string in JSON. */
export function typeOf(span: Span): string {
  const value = plainAttributes(span.attributes)[spanTypeKey]
  return typeof value === 'string' && value !== '' ? value.replaceAll('"', '') : 'UNKNOWN'
}

export type Summary = {
  at: number
  end: number | undefined
  state: 'OK' | 'ERROR' | 'IN_PROGRESS'
  name: string | undefined
  request: string | undefined
  response: string | undefined
  usage: Record<string, number>
  session: string | undefined
}

const usageKeys = ['input_tokens', 'output_tokens', 'total_tokens'] as const
/** The attributes in which clients store inputs, outputs and tokens; the last by OpenTelemetry's conventions. */
const inputKeys = ['mlflow.spanInputs', 'input.value', 'gen_ai.input.messages']
const outputKeys = ['mlflow.spanOutputs', 'output.value', 'gen_ai.output.messages']
const usageNames: Record<string, (typeof usageKeys)[number]> = {
  'gen_ai.usage.input_tokens': 'input_tokens',
  'gen_ai.usage.output_tokens': 'output_tokens',
}
/** What these were called before, and what OpenInference and Traceloop call them. */
const olderUsageNames: typeof usageNames = {
  'gen_ai.usage.prompt_tokens': 'input_tokens',
  'gen_ai.usage.completion_tokens': 'output_tokens',
  'gen_ai.usage.total_tokens': 'total_tokens',
  'llm.usage.prompt_tokens': 'input_tokens',
  'llm.usage.completion_tokens': 'output_tokens',
  'llm.usage.total_tokens': 'total_tokens',
  'llm.token_count.prompt': 'input_tokens',
  'llm.token_count.completion': 'output_tokens',
  'llm.token_count.total': 'total_tokens',
}

/** A summary of a trace from its spans; name, state and previews come from the root once it has arrived. */
export function summarize(spans: readonly Span[]): Summary {
  const starts = spans.map(({ startTimeUnixNano }) => BigInt(startTimeUnixNano))
  const ends = spans.flatMap(({ endTimeUnixNano }) => (endTimeUnixNano ? [BigInt(endTimeUnixNano)] : []))
  const root = spans.find(({ parentSpanId }) => !parentSpanId)
  const attributes = plainAttributes(root?.attributes)
  const session = spans.map((span) => plainAttributes(span.attributes)['session.id']).find((id) => id !== undefined)
  return {
    at: Number(smallest(starts) / 1_000_000n),
    end: ends.length === 0 ? undefined : Number(largest(ends) / 1_000_000n),
    state: root ? (statusOf(root) === 'ERROR' ? 'ERROR' : 'OK') : 'IN_PROGRESS',
    name: root?.name,
    request: preview(
      inputKeys.map((key) => attributes[key]),
      'user',
    ),
    response: preview(
      outputKeys.map((key) => attributes[key]),
      'assistant',
    ),
    usage: usageOf(spans),
    session: session === undefined ? undefined : String(session),
  }
}

function smallest(values: bigint[]): bigint {
  return values.reduce((least, value) => (value < least ? value : least))
}

function largest(values: bigint[]): bigint {
  return values.reduce((most, value) => (value > most ? value : most))
}

function preview(candidates: unknown[], role: 'user' | 'assistant'): string | undefined {
  const found = candidates.find((value) => value !== undefined && value !== null)
  return found === undefined ? undefined : previewOf(found, role)
}

/** Each call once: a span that carries usage carries that of the spans within it too. */
function usageOf(spans: readonly Span[]): Record<string, number> {
  const total: Record<string, number> = {}
  const usages = new Map(spans.map((span) => [span.spanId, ownUsage(span)]))
  const parents = new Map(spans.map(({ spanId, parentSpanId }) => [spanId, parentSpanId]))
  for (const [spanId, usage] of usages) {
    if (isWithinCounted(spanId, usages, parents)) continue
    for (const [key, value] of Object.entries(usage)) total[key] = (total[key] ?? 0) + value
  }
  return total
}

function isWithinCounted(
  spanId: string,
  usages: ReadonlyMap<string, Record<string, number>>,
  parents: ReadonlyMap<string, string | undefined>,
): boolean {
  const seen = new Set([spanId])
  for (let at = parents.get(spanId); at && !seen.has(at); at = parents.get(at)) {
    if (Object.keys(usages.get(at) ?? {}).length > 0) return true
    seen.add(at)
  }
  return false
}

function ownUsage(span: Span): Record<string, number> {
  const attributes = plainAttributes(span.attributes)
  const given = {
    ...conventional(attributes, olderUsageNames),
    ...conventional(attributes, usageNames),
    ...asRecord(attributes['mlflow.chat.tokenUsage']),
  }
  const usage: Record<string, number> = {}
  for (const key of usageKeys) {
    const value = Number(given[key] ?? Number.NaN)
    if (Number.isFinite(value)) usage[key] = value
  }
  const { input_tokens: input, output_tokens: output } = usage
  if (usage['total_tokens'] === undefined && input !== undefined && output !== undefined)
    usage['total_tokens'] = input + output
  return usage
}

function conventional(attributes: Record<string, unknown>, names: typeof usageNames): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(names).flatMap(([name, key]) => (attributes[name] === undefined ? [] : [[key, attributes[name]]])),
  )
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  if (typeof value !== 'string') return {}
  try {
    const parsed: unknown = JSON.parse(value)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
