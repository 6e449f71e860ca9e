import type { Context } from '../../../core/context.ts'
import type { Output } from '../../../core/contract.ts'
import { day } from '../../../core/duration.ts'
import { millisecondsOf } from '../../../core/time.ts'
import * as evaluation from '../../evaluation/evaluation.ts'
import * as monitoring from '../../monitoring/monitoring.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import { findApproval, signedSince, waysToSign } from '../approvals.ts'
import type { delivery } from '../contract.ts'
import { findTraffic } from '../traffic.ts'
import { cannotTell, fail, pass, type Requirement, requirement } from './blocking.ts'

type Candidate = { model: string; version: number }
type Policy = Output<(typeof delivery)['policy']>
export type Gate = NonNullable<Awaited<ReturnType<typeof evaluation.latestGate>>>
type GateContext = { gate: Gate | undefined; spec: ModelSpec; specVersion: number }

const gateDays = 30

/** The newest gate must have passed and be fresh; where it cannot tell, a second person may sign its evidence. */
export async function gateRequirement(
  ctx: Context,
  { model, version }: Candidate,
  judged: GateContext,
): Promise<Requirement> {
  const { gate } = judged
  const name = `${model}@${version}`
  if (!gate) return fail('gate', `a gate: run "keel gate ${name}"`)
  const { verdict } = gate
  const author = ctx.actor.name
  const approval = verdict === 'cannot_tell' ? await findApproval(ctx, { model, version, author }) : undefined
  if (verdict !== 'pass' && !approval) {
    const sign = verdict === 'cannot_tell' ? ` (or ${await waysToSign(ctx, { model, version })})` : ''
    const words = verdict.replaceAll('_', ' ')
    const detail = `a passed gate; ${gate.id} says ${words}: ${gate.summary.replace(/\.$/, '')}${sign}`
    return requirement('gate', { verdict, detail })
  }
  const stale = await staleness(ctx, model, { ...judged, gate })
  if (stale !== undefined) return fail('gate', `${stale}: run "keel gate ${name}"`)
  if (!approval) return pass('gate', `${gate.id} passed: ${gate.summary}`)
  return requirement('gate', { verdict, signed: true, detail: `${gate.id} cannot tell; ${approval.by} signed it` })
}

/** Evidence grows old by time, by another spec, and by another release in production. */
async function staleness(
  ctx: Context,
  model: string,
  { gate, spec, specVersion }: GateContext & { gate: Gate },
): Promise<string | undefined> {
  if (ctx.now().getTime() - millisecondsOf(gate.createdAt) > gateDays * day) {
    return `a fresh gate; ${gate.id} is older than ${gateDays} days`
  }
  const judged = gate.evidence['spec']
  const version = typeof judged === 'object' && judged !== null && 'version' in judged ? judged.version : specVersion
  if (version !== specVersion) return `a gate of the present spec; ${gate.id} judged version ${String(version)} of it`
  const { aliases } = await registry.getModel(ctx, { model })
  const live = (await findTraffic(ctx, model))?.live.version ?? aliases['live'] ?? 0
  if (spec.success.quality.against !== 'live' || gate.evaluation === null || live === gate.version) return undefined
  const compared = (await evaluation.getEvaluation(ctx, { evaluation: gate.evaluation })).baselineVersion ?? 0
  return compared === live
    ? undefined
    : `a gate against version ${live}, which is live now; ${gate.id} compared with version ${compared}`
}

const namedColumns = 3

/** Is the version trained on rows like those that are served now? It does not apply where there is no training set. */
export async function skewRequirements(ctx: Context, { model, version }: Candidate): Promise<Requirement[]> {
  const skew = await monitoring.servedSkew(ctx, { model, version })
  if (!skew) return []
  const { served, needed, inputs, columns } = skew
  const name = 'train/serve skew'
  if (served < needed)
    return [cannotTell(name, `cannot tell yet: ${served} rows were served lately, ${needed} are needed`)]
  if (columns.length === 0)
    return [cannotTell(name, `cannot tell: none of its inputs is among the ${served} rows served last`)]
  const skewed = columns.filter((column) => column.skewed).sort((a, b) => b.psi / b.critical - a.psi / a.critical)
  if (skewed.length === 0) {
    const compared = `${columns.length} of ${inputs.length} inputs compared`
    return [pass(name, `the ${served} rows served last look like its training rows (${compared})`)]
  }
  const named = skewed
    .slice(0, namedColumns)
    .map(({ column, psi, critical }) => `"${column}" (PSI ${psi.toFixed(2)}, ${critical.toFixed(2)} is allowed)`)
  const more = skewed.length > namedColumns ? ` and ${skewed.length - namedColumns} more` : ''
  const detail = `training rows like the ${served} served last; ${named.join(', ')}${more} differ: train on newer rows, or name what is meant to differ under "success.skew.allow" in models/${model}.yaml`
  return [fail(name, detail)]
}

/** Does one input alone know the answer? A second person may find that it is known in time. */
export async function leakageRequirements(ctx: Context, { model, version }: Candidate): Promise<Requirement[]> {
  const leaks = await monitoring.leaks(ctx, { model, version })
  if (leaks.length === 0) return []
  const author = ctx.actor.name
  const signed = await allowedInputs(ctx, model, author)
  const suspicious = leaks.filter(({ suspicious, column }) => suspicious && !signed.inputs.has(column))
  if (suspicious.length === 0) {
    const allowed = leaks.filter(({ suspicious }) => suspicious).map(({ column }) => `"${column}"`)
    const but =
      allowed.length === 0 ? '' : `, but for ${allowed.join(', ')}, which the spec allows and ${signed.by} signed`
    return [pass('leakage', `none of ${leaks.length} inputs orders the labels alone${but}`)]
  }
  const named = suspicious.map(({ column, auc }) => `"${column}" (AUC ${auc.value?.toFixed(3)})`).join(', ')
  const finding = `${named} ${suspicious.length === 1 ? 'orders' : 'order'} the labels almost alone`
  const approval = await findApproval(ctx, { model, version, author })
  const ways = `${await waysToSign(ctx, { model, version })}; for all versions to come, with the reason under "success.leakage.allow" in models/${model}.yaml`
  const detail = approval
    ? `${finding}; ${approval.by} signed it`
    : `inputs that are known before the answer is; ${finding} (or ${ways})`
  return [requirement('leakage', { verdict: 'fail', signed: approval !== undefined, detail })]
}

/** What the spec allows counts once somebody else has signed a version of the model since it says so. */
async function allowedInputs(
  ctx: Context,
  model: string,
  author: string,
): Promise<{ inputs: Set<string>; by: string }> {
  const allow = (await registry.requireSpec(ctx, model)).success.leakage?.allow ?? []
  const since =
    allow.length === 0 ? undefined : await registry.unchangedSince(ctx, model, ({ success }) => success.leakage)
  const signature = since === undefined ? undefined : await signedSince(ctx, { model, since, author })
  return { inputs: new Set(signature ? allow.map(({ input }) => input) : []), by: signature?.by ?? '' }
}

/** Asked for only where the policy is yellow or red. */
export async function freshnessRequirements(
  ctx: Context,
  { rules }: Policy,
  gate: Gate | undefined,
): Promise<Requirement[]> {
  const golden = gate?.evidence['golden']
  if (rules.goldenDays === null || typeof golden !== 'object' || golden === null) return []
  if (!('name' in golden && 'version' in golden)) return []
  const name = String(golden.name)
  const { createdAt } = await evaluation.getGolden(ctx, { golden: name, version: Number(golden.version) })
  const age = (ctx.now().getTime() - millisecondsOf(createdAt)) / day
  const days = `"${name}" is ${age.toFixed(0)} days old, ${rules.goldenDays} are allowed`
  if (age <= rules.goldenDays) return [pass('golden freshness', days)]
  return [fail('golden freshness', `a fresher golden set: ${days}`)]
}
