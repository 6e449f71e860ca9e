import type { Context } from '../../core/context.ts'
import { notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import { append } from './events.ts'
import * as store from './store.ts'

/** A judgement of a trace by a person or a scorer: how good it was (feedback), or what was expected (expectation). */
export type Assessment = {
  id: string
  trace: string
  span: string | null
  name: string
  kind: 'feedback' | 'expectation' | 'issue'
  /** Any JSON. */
  value: unknown
  error: { code: string; message: string; stack: string } | null
  source: { type: string; id: string }
  rationale: string | null
  metadata: Record<string, string>
  overrides: string | null
  valid: boolean
  createdAt: number
  updatedAt: number
}

export type NewAssessment = Omit<Assessment, 'id' | 'createdAt' | 'updatedAt' | 'valid'>

export function toAssessment(row: store.AssessmentRecord): Assessment {
  return {
    ...row.content,
    id: row.id,
    trace: row.trace,
    span: row.span,
    name: row.name,
    kind: row.kind as Assessment['kind'],
    valid: row.valid,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function toRow(assessment: Assessment): store.AssessmentRecord {
  const { id, trace, span, name, kind, value, valid, createdAt, updatedAt, ...content } = assessment
  return {
    id,
    trace,
    span,
    name,
    kind,
    value: typeof value === 'string' ? value : JSON.stringify(value ?? null),
    content: { ...content, value: value ?? null },
    created_at: createdAt,
    updated_at: updatedAt,
    valid,
  }
}

/** One that overrides another makes that one invalid; both are kept. */
export function createAssessment(ctx: Context, given: NewAssessment): Promise<Assessment> {
  return transaction(ctx, async (ctx) => {
    if (!(await store.findTrace(ctx, given.trace))) throw notFound('Trace', given.trace)
    const now = ctx.now().getTime()
    if (given.overrides !== null) {
      const overridden = await getAssessment(ctx, { trace: given.trace, id: given.overrides })
      await store.saveAssessment(ctx, toRow({ ...overridden, valid: false, updatedAt: now }))
    }
    const made = { ...given, id: ctx.id('a').replace('_', '-'), valid: true, createdAt: now, updatedAt: now }
    await store.saveAssessment(ctx, toRow(made))
    await append(ctx, 'traces.assessed', `trace/${given.trace}`, { name: given.name, kind: given.kind })
    return made
  })
}

export async function getAssessment(ctx: Context, { trace, id }: { trace: string; id: string }): Promise<Assessment> {
  const row = await store.findAssessment(ctx, trace, id)
  if (!row) throw notFound('Assessment', id)
  return toAssessment(row)
}

type Change = Partial<Pick<Assessment, 'name' | 'value' | 'error' | 'rationale' | 'metadata'>>

export function updateAssessment(
  ctx: Context,
  { trace, id, change }: { trace: string; id: string; change: Change },
): Promise<Assessment> {
  return transaction(ctx, async (ctx) => {
    const before = await getAssessment(ctx, { trace, id })
    const metadata = { ...before.metadata, ...change.metadata }
    const after = { ...before, ...change, metadata, updatedAt: ctx.now().getTime() }
    await store.saveAssessment(ctx, toRow(after))
    return after
  })
}

/** Deletes an assessment; the one that it overrode is valid again. */
export function deleteAssessment(ctx: Context, { trace, id }: { trace: string; id: string }): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const deleted = await getAssessment(ctx, { trace, id })
    if (deleted.overrides !== null) {
      const overridden = await store.findAssessment(ctx, trace, deleted.overrides)
      if (overridden) await store.saveAssessment(ctx, { ...overridden, valid: true })
    }
    await store.removeAssessment(ctx, id)
  })
}
