import type { Context } from '../../core/context.ts'
import type { Input } from '../../core/contract.ts'
import { AppError, invalidInput } from '../../core/errors.ts'
import { exactJson } from '../../core/json/json.ts'
import { parse } from '../../core/validate.ts'
import * as registry from '../../domains/registry/registry.ts'
import { serving as contract } from '../../domains/serving/contract.ts'
import * as serving from '../../domains/serving/serving.ts'
import { plainAttributes, type Span } from '../../domains/traces/traces.ts'
import { genAiNames, genAiPrediction } from './gen-ai.ts'

type Request = Input<(typeof contract)['recordPredictions']>
export type Prediction = Request['predictions'][number]
type Found = { endpoint: string; prediction: Prediction }

/**
 * Spans that say which model of this server they are a prediction of, by `keel.model` or by a name of `serves.gen_ai`, are written
 * down as if they had been handed in: each span once. One that cannot be costs no other; what was wrong is given back.
 */
export async function recordSpans(ctx: Context, spans: readonly Span[]): Promise<AppError[]> {
  const attributed = spans.map((span) => ({ span, own: plainAttributes(span.attributes) }))
  const told = attributed.filter(
    ({ span, own }) => span.endTimeUnixNano && (own[modelKey] ?? genAiNames(own)[0]) !== undefined,
  )
  if (told.length === 0) return []
  const names = told.some(({ own }) => own[modelKey] === undefined) ? await registry.modelsOfSpans(ctx) : new Map()
  const rejected: AppError[] = []
  const found = new Map<string, Found>()
  for (const { span, own } of told) {
    const endpoint =
      own[modelKey] ??
      genAiNames(own)
        .map((name) => names.get(name))
        .find((model) => model !== undefined)
    if (endpoint === undefined) continue
    try {
      const prediction = toPrediction(span, own)
      const input = parse(
        contract.recordPredictions.input,
        { endpoint, predictions: [prediction] },
        { what: 'Its prediction' },
      )
      found.set(`${input.endpoint}/${prediction.id}`, {
        endpoint: input.endpoint,
        prediction: input.predictions[0] ?? prediction,
      })
    } catch (error) {
      rejected.push(ofSpan(span.spanId, error))
    }
  }
  for (const [endpoint, own] of Map.groupBy(found.values(), ({ endpoint }) => endpoint))
    rejected.push(
      ...(await recordAll(
        ctx,
        endpoint,
        own.map(({ prediction }) => prediction),
      )),
    )
  return rejected
}

const modelKey = 'keel.model'
const inputPrefix = 'keel.input.'

/** All at once; where one cannot be, halves, until it stands alone. */
async function recordAll(ctx: Context, endpoint: string, predictions: Prediction[]): Promise<AppError[]> {
  try {
    await serving.recordPredictions(ctx, { endpoint, predictions })
    return []
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error
    const [first] = predictions
    if (predictions.length <= 1 || error.offender === endpoint)
      return predictions.map(({ id }) => ofSpan(first === undefined ? '' : id, error))
    const half = Math.ceil(predictions.length / 2)
    return [
      ...(await recordAll(ctx, endpoint, predictions.slice(0, half))),
      ...(await recordAll(ctx, endpoint, predictions.slice(half))),
    ]
  }
}

function ofSpan(id: string, error: unknown): AppError {
  if (!(error instanceof AppError) || error.status >= 500) throw error
  const kept = 'It is kept as a trace, and not as a prediction.'
  return invalidInput(`The span ${id}: ${error.message} ${kept}`, { name: id, hint: error.hint })
}

const failed = 2

function toPrediction(span: Span, own: Record<string, unknown>): Prediction {
  const [start, end] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano ?? span.startTimeUnixNano)]
  const given = genAiPrediction(own)
  const inputs = inputsOf(own)
  const output = outputOf(own['keel.output'])
  const bad = span.status?.code === failed ? 'error' : undefined
  const version = versionOf(own['keel.version'])
  return withoutMissing({
    ...given,
    id: textOf(own['keel.prediction_id']) ?? `${span.traceId}-${span.spanId}`,
    at: new Date(Number(start / 1_000_000n)).toISOString(),
    inputs: Object.keys(inputs).length > 0 ? inputs : (given.inputs ?? {}),
    output: output ?? given.output ?? null,
    release: textOf(own['keel.release']) ?? (version === undefined ? given.release : undefined),
    version,
    unit: textOf(own['keel.unit']),
    bad,
    latencyMs: Number(end > start ? end - start : 0n) / 1e6,
    traceId: `tr-${span.traceId}`,
  })
}

/** What the span does not say is left out, so that the shape says what is missing. */
function withoutMissing(given: { [Name in keyof Prediction]: Prediction[Name] | undefined }): Prediction {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Prediction
}

function inputsOf(own: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(own).flatMap(([key, value]) =>
      key.startsWith(inputPrefix) && key.length > inputPrefix.length ? [[key.slice(inputPrefix.length), value]] : [],
    ),
  )
}

function outputOf(value: unknown): Prediction['output'] | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'object') return exactJson(value)
  return value as Prediction['output']
}

/** `3`, `"3"` or `"v3"`; anything else is left to the shape to refuse. */
function versionOf(value: unknown): number | undefined {
  const digits = typeof value === 'string' ? /^v?(\d{1,9})$/.exec(value)?.[1] : undefined
  return digits === undefined ? (value as number | undefined) : Number(digits)
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : exactJson(value)
}
