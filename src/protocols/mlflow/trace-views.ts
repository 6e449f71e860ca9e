import { isoOf } from '../../core/tables/tables.ts'
import type { AnyValue, Assessment, Attribute, Span, TraceRecord } from '../../domains/traces/traces.ts'

type Json = Record<string, unknown>

const time = (milliseconds: number) => isoOf(milliseconds)

export function location(experiment: string): Json {
  return { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }
}

export function traceInfo(info: TraceRecord): Json {
  return {
    trace_id: info.id,
    ...(info.clientRequest === null ? {} : { client_request_id: info.clientRequest }),
    trace_location: location(info.experimentId),
    ...(info.requestPreview === null ? {} : { request_preview: info.requestPreview }),
    ...(info.responsePreview === null ? {} : { response_preview: info.responsePreview }),
    request_time: time(info.at),
    ...(info.duration === null ? {} : { execution_duration: `${(info.duration / 1000).toFixed(3)}s` }),
    state: info.state,
    trace_metadata: info.metadata,
    tags: info.tags,
    ...(info.assessments.length === 0 ? {} : { assessments: info.assessments.map(assessment) }),
  }
}

/** The same facts under the names that clients before 3.0 know. */
export function assessment(made: Assessment): Json {
  return {
    assessment_id: made.id,
    assessment_name: made.name,
    trace_id: made.trace,
    ...(made.span === null ? {} : { span_id: made.span }),
    source: { source_type: made.source.type, source_id: made.source.id },
    create_time: time(made.createdAt),
    last_update_time: time(made.updatedAt),
    ...content(made),
    ...(made.rationale === null ? {} : { rationale: made.rationale }),
    metadata: made.metadata,
    ...(made.overrides === null ? {} : { overrides: made.overrides }),
    valid: made.valid,
  }
}

function content({ kind, value, error }: Assessment): Json {
  if (kind === 'issue') return { issue: { issue_name: value } }
  if (kind === 'feedback') {
    const told = error && { error_code: error.code, error_message: error.message, stack_trace: error.stack }
    return { feedback: { value, ...(told ? { error: told } : {}) } }
  }
  const scalar = value === null || ['string', 'number', 'boolean'].includes(typeof value)
  if (scalar) return { expectation: { value } }
  return { expectation: { serialized_value: { serialization_format: 'JSON_FORMAT', value: JSON.stringify(value) } } }
}

const toBase64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')

/** A span as MLflow's clients read it: protobuf's JSON, in which ids are bytes and so base64. */
export function span(own: Span): Json {
  return {
    ...own,
    traceId: toBase64(own.traceId),
    spanId: toBase64(own.spanId),
    ...(own.parentSpanId ? { parentSpanId: toBase64(own.parentSpanId) } : {}),
    attributes: own.attributes?.map(attribute),
  }
}

/** Clients fail at a value without any field. */
function attribute({ key, value }: Attribute): { key: string; value: AnyValue } {
  return { key, value: value ?? {} }
}
