import type { Context } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { canonicalJson, digestOfJson } from '../../../core/json/json.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import type { Against } from '../../registry/spec/spec.ts'
import type { evaluation } from '../contract.ts'
import { type RecordedAnswers, requireEvaluation } from '../evaluate/evaluate.ts'
import { append } from '../events.ts'
import { byImportance, combine, summarize } from '../rules.ts'
import { judgeCriteria } from './criteria.ts'
import { getGate, rulesVersion } from './run-gate.ts'

type Operations = typeof evaluation
type Rerun = Output<Operations['rerunGate']>

/** The part of a gate's evidence that identifies its inputs. */
type Basis = {
  spec: { version: number } | null
  golden?: { version: number }
  baseline?: { version: number } | { column: string } | Exclude<Against, string>
  prices?: string | null
  traffic?: string | null
}

/**
 * Judges a gate again on the same versions of the spec, the golden set, the baseline and the price table. Models of this
 * process answer again; of remote models and judges the recorded answers are used. Times are always the recorded ones,
 * because no two measurements are alike.
 */
export async function rerunGate(ctx: Context, { gate: id, from }: Input<Operations['rerunGate']>): Promise<Rerun> {
  const gate = await getGate(ctx, { gate: id })
  const { measured: _, ...before } = gate.evidence
  const basis = before as Basis
  if (gate.evaluation === null || !basis.spec || !basis.golden || !basis.baseline) {
    throw new AppError('conflict', `The gate "${id}" compared nothing, so there is nothing to judge again.`, {
      name: id,
      hint: `It says: ${gate.summary}`,
    })
  }
  const { record } = await requireEvaluation(ctx, gate.evaluation)
  if (record === null) {
    throw new AppError('conflict', `The gate "${id}" is from before answers were recorded.`, { name: id })
  }
  const recorded = JSON.parse((await ctx.blobs.readVerified(record)).toString('utf8')) as RecordedAnswers
  const { model, version } = gate
  const elsewhere =
    Object.keys(recorded.scored.evidence).length > 0 ||
    'command' in basis.baseline ||
    recorded.measured?.usage.candidate.some((one) => 'model' in one)
  const source = from ?? (elsewhere ? 'record' : 'models')
  const specVersion = { model, version: basis.spec.version }
  const spec = await registry.getSpec(ctx, specVersion)
  const criteria = await judgeCriteria(ctx, {
    spec,
    candidate: await registry.getVersion(ctx, { model, version }),
    earlier: {
      goldenVersion: basis.golden.version,
      against: againstOf(basis.baseline),
      prices: basis.prices ?? null,
      traffic: basis.traffic ?? null,
      recorded: source === 'record' ? recorded : undefined,
      measured: recorded.measured,
    },
  })
  const after = {
    rules: rulesVersion,
    model,
    version,
    spec: { version: specVersion.version, digest: await registry.specDigest(ctx, specVersion) },
    ...criteria.basis,
  }
  const verdict = combine(criteria.checks)
  const digest = digestOfJson(after)
  const result: Rerun = {
    gate: id,
    from: source,
    recorded: gate.verdict,
    verdict,
    same: verdict === gate.verdict,
    sameEvidence: digest === gate.digest,
    differences: differencesOf(before, after),
    summary: summarize(criteria.checks),
    checks: byImportance(criteria.checks),
  }
  await transaction(ctx, (ctx) =>
    append(ctx, 'evaluation.gate_rerun', `model/${model}`, { gate: id, verdict, same: result.same, from: source }),
  )
  return result
}

/** What it was compared with, as a spec would say it. */
function againstOf(baseline: NonNullable<Basis['baseline']>): Against {
  if ('version' in baseline) return String(baseline.version)
  if ('column' in baseline) return `golden.${baseline.column}`
  const { command, timeout } = baseline
  return { command, ...(timeout === undefined ? {} : { timeout }) }
}

/** The paths at which two pieces of evidence differ. */
function differencesOf(before: unknown, after: unknown, path = ''): string[] {
  if (canonicalJson(before) === canonicalJson(after)) return []
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
    return keys.flatMap((key) => differencesOf(before[key], after[key], path === '' ? key : `${path}.${key}`))
  }
  return [path]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
