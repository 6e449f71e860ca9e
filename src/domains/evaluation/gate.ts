import { digestOfJson } from '../../core/canonical.ts'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, notFound } from '../../core/errors.ts'
import { append } from '../../core/events.ts'
import { mean } from '../../core/stats/summary.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { checksOf, lineageCheck } from './checks.ts'
import type { ModelVersion } from './contender.ts'
import type { evaluation } from './contract.ts'
import { recordEvaluation } from './evaluate.ts'
import { type Examination, evidenceOf, examine } from './examine.ts'
import { positionOf } from './paging.ts'
import { parityOf } from './parity.ts'
import { combine, type GateCheck, ordered, summarize } from './rules.ts'
import type { GatesTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof evaluation
type Gate = Output<Operations['runGate']>

/** Grows when the meaning of a check changes, so that old evidence is not taken for new. */
const rulesVersion = 2

type Findings = {
  checks: GateCheck[]
  basis: Record<string, unknown>
  measured: Record<string, unknown>
  examined: Examination | undefined
  evaluation: string | null
}

/**
 * Judges every success criterion of the spec together. The digest covers all that the verdict depends on except the
 * measured times, which are recorded beside it: the same evidence gives the same digest and the same verdict on it.
 */
export async function runGate(ctx: Context, { model, version }: Input<Operations['runGate']>): Promise<Gate> {
  const candidate = await registry.getVersion(ctx, { model, version })
  const { spec, specVersion } = await registry.getModel(ctx, { model })
  const found = spec ? await judged(ctx, spec, candidate) : unspecified(model)
  const basis = {
    rules: rulesVersion,
    model,
    version,
    spec: spec ? { version: specVersion, digest: digestOfJson(spec) } : null,
    ...found.basis,
  }
  const gate: Gate = {
    id: ctx.id('gate'),
    model,
    version,
    verdict: combine(found.checks),
    summary: summarize(found.checks),
    checks: ordered(found.checks),
    evaluation: found.evaluation,
    evidence: { ...basis, measured: found.measured },
    digest: digestOfJson(basis),
    createdAt: ctx.now().toISOString(),
  }
  await save(ctx, gate, found.examined)
  return gate
}

function unspecified(model: string): Findings {
  const reason = `"${model}" has no spec; write models/${model}.yaml, then run "keel apply"`
  return { checks: [blocking('spec', 'fail', reason)], basis: {}, measured: {}, examined: undefined, evaluation: null }
}

async function judged(ctx: Context, spec: ModelSpec, candidate: ModelVersion): Promise<Findings> {
  const lineage = lineageCheck(candidate)
  const lineageBasis = { tainted: candidate.tainted, artifact: candidate.artifact }
  try {
    const examined = await examine(ctx, {
      spec,
      version: candidate,
      golden: spec.golden,
      against: spec.success.quality.against,
      timed: true,
    })
    const parity = await parityOf(ctx, spec, candidate)
    return {
      checks: [...checksOf(spec, examined), ...parity.checks, lineage],
      basis: { ...evidenceOf(examined), ...lineageBasis, parity: parity.evidence },
      measured: measuredOf(examined),
      examined,
      evaluation: (await recordEvaluation(ctx, { spec, version: candidate, examined })).id,
    }
  } catch (error) {
    if (!isFinding(error)) throw error
    const reason = `${error.message}${error.hint ? ` ${error.hint}` : ''}`
    return {
      checks: [blocking('evaluation', 'error', reason), lineage],
      basis: { ...lineageBasis, error: { code: error.code, message: error.message } },
      measured: {},
      examined: undefined,
      evaluation: null,
    }
  }
}

/** What makes a candidate unjudgeable is the gate's answer; a fault of the server stays an exception. */
function isFinding(error: unknown): error is AppError {
  if (!(error instanceof AppError)) return false
  return error.status < 500 || error.code === 'upstream_failed' || error.code === 'not_supported'
}

function blocking(check: string, verdict: 'fail' | 'error', reason: string): GateCheck {
  return { check, verdict, required: true, value: null, limit: null, n: 0, reason }
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

function measuredOf({ measured }: Examination): Record<string, unknown> {
  if (!measured) return {}
  const { candidate, baseline } = measured.latencies
  return { items: candidate.length, candidateMilliseconds: mean(candidate), baselineMilliseconds: mean(baseline) }
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
