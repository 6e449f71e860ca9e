import type { Context } from '../../core/context.ts'
import * as traces from '../../domains/traces/traces.ts'
import { call } from './call.ts'
import { invalid, missing, orSay } from './errors.ts'
import * as input from './input.ts'
import * as views from './trace-views.ts'
import { noTrace, traceId } from './traces.ts'

const v3 = { version: '3.0' } as const
const maxTextLength = 100_000

export const assessmentCalls = [
  call('POST traces/:trace_id/assessments', create, v3),
  call('GET traces/:trace_id/assessments/:assessment_id', get, v3),
  call('PATCH traces/:trace_id/assessments/:assessment_id', update, v3),
  call('DELETE traces/:trace_id/assessments/:assessment_id', remove, v3),
]

function noAssessment(trace: string, id: string) {
  return () => missing(`Assessment with ID '${id}' not found for trace '${trace}'`)
}

type AssessmentValue = Pick<traces.NewAssessment, 'kind' | 'value' | 'error'>

/** Exactly one of feedback, expectation and issue. */
function said(fields: input.Fields): AssessmentValue | undefined {
  const given = (['feedback', 'expectation', 'issue'] as const).filter(
    (kind) => fields[kind] !== undefined && fields[kind] !== null,
  )
  const [kind] = given
  if (kind === undefined) return undefined
  if (given.length > 1) throw invalid('Exactly one of feedback, expectation and issue may be given.')
  const content = input.asFields(fields[kind], kind)
  if (kind === 'issue') return { kind, value: input.text(content, 'issue_name'), error: null }
  return { kind, value: contentValue(content, kind), error: errorOf(content) }
}

function contentValue(content: input.Fields, kind: string): unknown {
  const serialized = content['serialized_value']
  const value =
    serialized === undefined || serialized === null ? content['value'] : parsed(input.asFields(serialized, kind))
  if ((JSON.stringify(value) ?? '').length > maxTextLength) throw invalid(`The value of the ${kind} is too long.`)
  return value ?? null
}

function parsed(serialized: input.Fields): unknown {
  try {
    return JSON.parse(input.text(serialized, 'value')) as unknown
  } catch {
    return input.badValue('serialized_value', serialized['value'])
  }
}

function errorOf(content: input.Fields): traces.NewAssessment['error'] {
  if (content['error'] === undefined || content['error'] === null) return null
  const error = input.asFields(content['error'], 'error')
  const text = (name: string) => input.optionalText(error, name, { max: maxTextLength }) ?? ''
  return { code: text('error_code'), message: text('error_message'), stack: text('stack_trace') }
}

function metadataOf(fields: input.Fields): Record<string, string> {
  const given =
    fields['metadata'] === undefined || fields['metadata'] === null
      ? {}
      : input.asFields(fields['metadata'], 'metadata')
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [
      key,
      input.optionalText({ value }, 'value', { path: `metadata.${key}` }) ?? '',
    ]),
  )
}

async function create(ctx: Context, fields: input.Fields) {
  const trace = traceId(fields)
  const given = input.asFields(fields['assessment'] ?? {}, 'assessment')
  const source = input.asFields(given['source'] ?? {}, 'assessment.source')
  const content = said(given)
  if (!content) throw invalid('Exactly one of feedback, expectation and issue must be given.')
  const made = traces.createAssessment(ctx, {
    trace,
    span: input.optionalText(given, 'span_id', { max: 64 }) || null,
    name: input.text(given, 'assessment_name', { max: 250 }),
    ...content,
    source: {
      type: input.text(source, 'source_type', { max: 50 }),
      id: input.optionalText(source, 'source_id', { max: 250 }) ?? '',
    },
    rationale: input.optionalText(given, 'rationale', { max: maxTextLength }) ?? null,
    metadata: metadataOf(given),
    overrides: input.optionalText(given, 'overrides', { max: 100 }) || null,
  })
  return { assessment: views.assessment(await orSay(made, 'not_found', noTrace(trace))) }
}

async function get(ctx: Context, fields: input.Fields) {
  const [trace, id] = [traceId(fields), input.text(fields, 'assessment_id')]
  const found = await orSay(traces.getAssessment(ctx, { trace, id }), 'not_found', noAssessment(trace, id))
  return { assessment: views.assessment(found) }
}

/** A field mask comes as `a,b`, in camelCase in protobuf's JSON. */
function masked(fields: input.Fields): Set<string> {
  const mask = fields['update_mask']
  const paths =
    typeof mask === 'string' ? mask.split(',') : input.texts(input.asFields(mask ?? {}, 'update_mask'), 'paths')
  return new Set(paths.map((path) => path.trim().replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)))
}

async function update(ctx: Context, fields: input.Fields) {
  const [trace, id] = [traceId(fields), input.text(fields, 'assessment_id')]
  const given = input.asFields(fields['assessment'] ?? {}, 'assessment')
  const mask = masked(fields)
  const content = mask.has('feedback') || mask.has('expectation') ? said(given) : undefined
  const before = await orSay(traces.getAssessment(ctx, { trace, id }), 'not_found', noAssessment(trace, id))
  if (content && content.kind !== before.kind)
    throw invalid(`The assessment is a ${before.kind} and cannot become a ${content.kind}.`)
  const after = await traces.updateAssessment(ctx, {
    trace,
    id,
    change: {
      ...(mask.has('assessment_name') ? { name: input.text(given, 'assessment_name', { max: 250 }) } : {}),
      ...(content ? { value: content.value, error: content.error } : {}),
      ...(mask.has('rationale')
        ? { rationale: input.optionalText(given, 'rationale', { max: maxTextLength }) ?? null }
        : {}),
      ...(mask.has('metadata') ? { metadata: metadataOf(given) } : {}),
    },
  })
  return { assessment: views.assessment(after) }
}

async function remove(ctx: Context, fields: input.Fields) {
  const [trace, id] = [traceId(fields), input.text(fields, 'assessment_id')]
  await orSay(traces.deleteAssessment(ctx, { trace, id }), 'not_found', noAssessment(trace, id))
  return {}
}
