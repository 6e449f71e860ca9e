import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { notFound } from '../../../core/errors.ts'
import { digestOfJson } from '../../../core/json/json.ts'
import { cursorNumber, nextOf } from '../../../core/paging.ts'
import { mean } from '../../../core/stats/summary.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import type { evaluation } from '../contract.ts'
import { type ComparisonRun, recordEvaluation } from '../evaluate/evaluate.ts'
import { append } from '../events.ts'
import { byImportance, combine, summarize } from '../rules.ts'
import * as store from '../store.ts'
import { blockingCheck, type Criteria, judgeCriteria } from './criteria.ts'

type Operations = typeof evaluation
type Gate = Output<Operations['runGate']>

/** Grows when the meaning of a check changes, so that old evidence is not taken for new. */
export const rulesVersion = 3

/**
 * Judges every success criterion of the spec together. The digest covers all that the verdict depends on except the
 * measured times, which are recorded beside it: the same evidence gives the same digest and the same verdict on it.
 */
export async function runGate(ctx: Context, { model, version }: Input<Operations['runGate']>): Promise<Gate> {
  const candidate = await registry.getVersion(ctx, { model, version })
  const { spec, specVersion } = await registry.getModel(ctx, { model })
  const missing = `"${model}" has no spec; write models/${model}.yaml, then run "keel apply"`
  const criteria: Criteria = spec
    ? await judgeCriteria(ctx, { spec, candidate })
    : { checks: [blockingCheck('spec', 'fail', missing)], basis: {}, comparisonRun: undefined }
  const { comparisonRun } = criteria
  const evaluation =
    spec && comparisonRun ? await recordEvaluation(ctx, { spec, version: candidate, comparisonRun }) : undefined
  const basis = {
    rules: rulesVersion,
    model,
    version,
    spec: spec
      ? { version: specVersion, digest: await registry.specDigest(ctx, { model, version: specVersion }) }
      : null,
    ...criteria.basis,
  }
  const gate: Gate = {
    id: ctx.id('gate'),
    model,
    version,
    verdict: combine(criteria.checks),
    summary: summarize(criteria.checks),
    checks: byImportance(criteria.checks),
    evaluation: evaluation?.id ?? null,
    evidence: { ...basis, measured: comparisonRun ? measuredOf(comparisonRun) : {} },
    digest: digestOfJson(basis),
    createdAt: ctx.now().toISOString(),
  }
  await save(ctx, gate, comparisonRun)
  return gate
}

async function save(ctx: Context, gate: Gate, comparisonRun: ComparisonRun | undefined): Promise<void> {
  await transaction(ctx, async (ctx) => {
    const { id, model, version, verdict } = gate
    await store.insertGate(ctx, { id, model, version, verdict, body: gate })
    if (comparisonRun) await store.countUse(ctx, comparisonRun.set.name, comparisonRun.set.version)
    await append(ctx, 'evaluation.gate_decided', `model/${model}`, {
      gate: id,
      version,
      verdict,
      summary: gate.summary,
      digest: gate.digest,
    })
  })
}

/** What differs from one gate to the next by nature: times, and how old and how representative the set is today. */
function measuredOf({ measured, representativeness }: ComparisonRun): Record<string, unknown> {
  if (!measured) return { representativeness }
  const { candidate, baseline } = measured.latencies
  return {
    representativeness,
    items: candidate.length,
    candidateMilliseconds: mean(candidate),
    baselineMilliseconds: mean(baseline),
  }
}

export async function getGate(ctx: Context, { gate }: Input<Operations['getGate']>): Promise<Gate> {
  const row = await store.findGate(ctx, gate)
  if (!row) throw notFound('Gate', gate, 'List them with "keel gate list".')
  return row.body
}

export async function listGates(
  ctx: Context,
  { model, version, limit = 100, cursor }: Input<Operations['listGates']>,
): Promise<Output<Operations['listGates']>> {
  const rows = await store.listGates(ctx, { model, version, before: cursorNumber(cursor), limit })
  return { items: rows.map(({ body }) => body), ...nextOf(rows, limit, ({ seq }) => seq) }
}

export async function latestGate(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<Gate | undefined> {
  const [row] = await store.listGates(ctx, { model, version, before: undefined, limit: 1 })
  return row?.body
}
