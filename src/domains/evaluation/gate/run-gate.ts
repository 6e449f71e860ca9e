import { digestOfJson } from '../../../core/canonical.ts'
import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { notFound } from '../../../core/errors.ts'
import { mean } from '../../../core/stats/summary.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import type { evaluation } from '../contract.ts'
import { type Examination, recordEvaluation } from '../evaluate/evaluate.ts'
import { append } from '../events.ts'
import { positionOf } from '../paging.ts'
import { combine, ordered, summarize } from '../rules.ts'
import type { GatesTable } from '../schema.ts'
import * as store from '../store.ts'
import { blocking, type Findings, findingsOf } from './criteria.ts'

type Operations = typeof evaluation
type Gate = Output<Operations['runGate']>

/** Grows when the meaning of a check changes, so that old evidence is not taken for new. */
export const rulesVersion = 2

/**
 * Judges every success criterion of the spec together. The digest covers all that the verdict depends on except the
 * measured times, which are recorded beside it: the same evidence gives the same digest and the same verdict on it.
 */
export async function runGate(ctx: Context, { model, version }: Input<Operations['runGate']>): Promise<Gate> {
  const candidate = await registry.getVersion(ctx, { model, version })
  const { spec, specVersion } = await registry.getModel(ctx, { model })
  const missing = `"${model}" has no spec; write models/${model}.yaml, then run "keel apply"`
  const found: Findings = spec
    ? await findingsOf(ctx, { spec, candidate })
    : { checks: [blocking('spec', 'fail', missing)], basis: {}, examined: undefined }
  const { examined } = found
  const evaluation = spec && examined ? await recordEvaluation(ctx, { spec, version: candidate, examined }) : undefined
  const basis = {
    rules: rulesVersion,
    model,
    version,
    spec: spec
      ? { version: specVersion, digest: await registry.specDigest(ctx, { model, version: specVersion }) }
      : null,
    ...found.basis,
  }
  const gate: Gate = {
    id: ctx.id('gate'),
    model,
    version,
    verdict: combine(found.checks),
    summary: summarize(found.checks),
    checks: ordered(found.checks),
    evaluation: evaluation?.id ?? null,
    evidence: { ...basis, measured: examined ? measuredOf(examined) : {} },
    digest: digestOfJson(basis),
    createdAt: ctx.now().toISOString(),
  }
  await save(ctx, gate, examined)
  return gate
}

async function save(ctx: Context, gate: Gate, examined: Examination | undefined): Promise<void> {
  await transaction(ctx, async (ctx) => {
    const { id, model, version, verdict } = gate
    await store.insertGate(ctx, { id, model, version, verdict, body: JSON.stringify(gate) })
    if (examined) await store.countUse(ctx, examined.set.name, examined.set.version)
    await append(ctx, 'evaluation.gate_decided', `model/${model}`, {
      gate: id,
      version,
      verdict,
      summary: gate.summary,
      digest: gate.digest,
    })
  })
}

/** What is never the same twice: times, and the set's age beside its likeness to production. */
function measuredOf({ measured, representativeness }: Examination): Record<string, unknown> {
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
  return toGate(row)
}

export async function listGates(
  ctx: Context,
  { model, version, limit = 100, cursor }: Input<Operations['listGates']>,
): Promise<Output<Operations['listGates']>> {
  const rows = await store.listGates(ctx, { model, version, before: positionOf(cursor), limit })
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items: rows.map(toGate), ...(last ? { next: String(last.seq) } : {}) }
}

export async function latestGate(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<Gate | undefined> {
  const [row] = await store.listGates(ctx, { model, version, before: undefined, limit: 1 })
  return row && toGate(row)
}

function toGate(row: GatesTable): Gate {
  return JSON.parse(row.body) as Gate
}
