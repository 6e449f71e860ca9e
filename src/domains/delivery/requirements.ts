import type { Context } from '../../core/context.ts'
import type { Output } from '../../core/contract.ts'
import { day } from '../../core/duration.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import * as monitoring from '../monitoring/monitoring.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec/spec.ts'
import { findApproval } from './approvals.ts'
import type { delivery } from './contract.ts'
import { policy as findPolicy } from './policy.ts'
import * as store from './store.ts'
import { findTraffic } from './traffic.ts'

type Operations = typeof delivery
type Requirement = Output<Operations['planRelease']>['requirements'][number]
type Policy = Output<Operations['policy']>
type Version = Awaited<ReturnType<typeof registry.getVersion>>
type Gate = NonNullable<Awaited<ReturnType<typeof evaluation.latestGate>>>

type Wish = {
  model: string
  version: number
  trigger: string
  addresses?: string | undefined
  supersede: boolean
}

const gateDays = 30
const unhindered: Policy['rules'] = { slower: 1, approver: false, goldenDays: null, frozen: false }

/** Everything that a release needs, each met or not; `detail` of an unmet one completes "The release needs …". */
export async function examine(ctx: Context, wish: Wish) {
  const { model, version } = wish
  const { spec, specVersion } = await registry.getModel(ctx, { model })
  const candidate = await registry.getVersion(ctx, { model, version })
  if (!spec || specVersion === null) {
    const detail = `a spec: write models/${model}.yaml, then run "keel apply"`
    const requirements = [{ requirement: 'spec', met: false, detail }]
    return { spec: null, requirements, gate: '', rules: unhindered, policy: null }
  }
  const gate = await evaluation.latestGate(ctx, { model, version })
  const policy = await findPolicy(ctx, { model })
  const requirements = [
    say('spec', true, `models/${model}.yaml, version ${specVersion}`),
    say('owner', true, spec.owner),
    spec.backup === spec.owner
      ? say('backup', false, `a backup who is not the owner "${spec.owner}"`)
      : say('backup', true, spec.backup),
    await rollbackPlan(ctx, spec, candidate),
    await gateRequirement(ctx, wish, { gate, spec, specVersion }),
    ...(await alikeServed(ctx, wish)),
    ...(await leakage(ctx, wish)),
    lineage(candidate),
    await unpinned(ctx, model),
    await room(ctx, wish),
    policyRequirement(policy, wish),
    ...(await freshness(ctx, policy, gate)),
  ]
  const uncertain = gate?.verdict === 'cannot_tell'
  const rules = uncertain ? { ...policy.rules, slower: Math.max(2, policy.rules.slower) } : policy.rules
  return { spec, requirements, gate: gate?.id ?? '', rules, policy }
}

function say(requirement: string, met: boolean, detail: string): Requirement {
  return { requirement, met, detail }
}

async function rollbackPlan(ctx: Context, spec: ModelSpec, candidate: Version): Promise<Requirement> {
  const { rollback, elsewhere } = spec.delivery
  const back = rollback.to === 'baseline' ? 'the baseline' : 'the previous release'
  if (elsewhere) return say('rollback plan', true, `to ${back}, by its own "rollback:"`)
  const live = await findTraffic(ctx, spec.model)
  const { output, default: given = output === 'text' ? '' : undefined } = spec.serves
  if (!live && candidate.trainingSet === null && given === undefined) {
    const detail = `something to go back to: version ${candidate.version} was registered without a training set and the spec has no "serves.default", so there is no baseline`
    return say('rollback plan', false, detail)
  }
  return say('rollback plan', true, `to ${back}, kept warm, rehearsed every ${rollback.drill_every}`)
}

type Judged = { gate: Gate | undefined; spec: ModelSpec; specVersion: number }

async function gateRequirement(ctx: Context, wish: Wish, judged: Judged): Promise<Requirement> {
  const { gate } = judged
  const name = `${wish.model}@${wish.version}`
  const missing = (detail: string) => say('gate', false, detail)
  if (!gate) return missing(`a gate: run "keel gate ${name}"`)
  const said = gate.verdict.replaceAll('_', ' ')
  const author = ctx.actor.name
  const approval =
    gate.verdict === 'cannot_tell'
      ? await findApproval(ctx, { model: wish.model, version: wish.version, author })
      : undefined
  if (gate.verdict !== 'pass' && !approval) {
    const signed = gate.verdict === 'cannot_tell' ? ` (or a second person: keel approve ${name} --reason "…")` : ''
    return missing(`a passed gate; ${gate.id} says ${said}: ${gate.summary.replace(/\.$/, '')}${signed}`)
  }
  const stale = await staleness(ctx, wish.model, { ...judged, gate })
  if (stale !== undefined) return missing(`${stale}: run "keel gate ${name}"`)
  return say(
    'gate',
    true,
    approval ? `${gate.id} cannot tell; ${approval.by} signed it` : `${gate.id} passed: ${gate.summary}`,
  )
}

/** Evidence grows old by time, by another spec, and by another release in production. */
async function staleness(
  ctx: Context,
  model: string,
  { gate, spec, specVersion }: Judged & { gate: Gate },
): Promise<string | undefined> {
  if (ctx.now().getTime() - Date.parse(gate.createdAt) > gateDays * day) {
    return `a fresh gate; ${gate.id} is older than ${gateDays} days`
  }
  const judged = gate.evidence['spec']
  const version = typeof judged === 'object' && judged !== null && 'version' in judged ? judged.version : specVersion
  if (version !== specVersion) return `a gate of the present spec; ${gate.id} judged version ${String(version)} of it`
  const live = (await findTraffic(ctx, model))?.live.version ?? 0
  if (spec.success.quality.against !== 'live' || gate.evaluation === null || live === gate.version) return undefined
  const compared = (await evaluation.getEvaluation(ctx, { evaluation: gate.evaluation })).baselineVersion ?? 0
  return compared === live
    ? undefined
    : `a gate against version ${live}, which is live now; ${gate.id} compared with version ${compared}`
}

const namedColumns = 3

/** Is the version trained on rows like those that are served now? It does not apply where there is no training set. */
async function alikeServed(ctx: Context, { model, version }: Wish): Promise<Requirement[]> {
  const skew = await monitoring.servedSkew(ctx, { model, version })
  if (!skew) return []
  const { served, needed, inputs, columns } = skew
  const met = (detail: string) => [say('train/serve skew', true, detail)]
  if (served < needed) return met(`cannot tell yet: ${served} rows were served lately, ${needed} are needed`)
  if (columns.length === 0) return met(`cannot tell: none of its inputs is among the ${served} rows served last`)
  const skewed = columns.filter((column) => column.skewed).sort((a, b) => b.psi / b.critical - a.psi / a.critical)
  if (skewed.length === 0)
    return met(
      `the ${served} rows served last look like its training rows (${columns.length} of ${inputs.length} inputs compared)`,
    )
  const named = skewed
    .slice(0, namedColumns)
    .map(({ column, psi, critical }) => `"${column}" (PSI ${psi.toFixed(2)}, ${critical.toFixed(2)} is allowed)`)
  const more = skewed.length > namedColumns ? ` and ${skewed.length - namedColumns} more` : ''
  const detail = `training rows like the ${served} served last; ${named.join(', ')}${more} differ: train on newer rows, or name what is meant to differ under "success.skew.allow" in models/${model}.yaml`
  return [say('train/serve skew', false, detail)]
}

/** Does one input alone know the answer? A second person may find that it is known in time. */
async function leakage(ctx: Context, { model, version }: Wish): Promise<Requirement[]> {
  const leaks = await monitoring.leaks(ctx, { model, version })
  if (leaks.length === 0) return []
  const suspicious = leaks.filter((leak) => leak.suspicious)
  if (suspicious.length === 0) return [say('leakage', true, `none of ${leaks.length} inputs orders the labels alone`)]
  const named = suspicious.map(({ column, auc }) => `"${column}" (AUC ${auc.value?.toFixed(3)})`).join(', ')
  const approval = await findApproval(ctx, { model, version, author: ctx.actor.name })
  if (approval) return [say('leakage', true, `${named} orders the labels almost alone; ${approval.by} signed it`)]
  const detail = `inputs that are known before the answer is; ${named} orders the labels almost alone (or a second person: keel approve ${model}@${version} --reason "…")`
  return [say('leakage', false, detail)]
}

function lineage({ tainted }: Version): Requirement {
  return tainted.length === 0
    ? say('lineage', true, 'every source is vetted')
    : say('lineage', false, `vetted sources; "${tainted.join('", "')}" are not`)
}

async function unpinned(ctx: Context, model: string): Promise<Requirement> {
  const pin = await store.findPin(ctx, model)
  if (pin?.pinned !== 1) return say('unpinned', true, 'no rollback holds it back')
  const detail = `an unpinned model; it was pinned because: ${pin.reason} (keel unpin ${model} --reason "…")`
  return say('unpinned', false, detail)
}

async function room(ctx: Context, { model, supersede }: Wish): Promise<Requirement> {
  const open = await store.openRollout(ctx, model)
  if (!open || supersede)
    return say('no other rollout', true, open ? `${open.release} will be superseded` : 'none is under way')
  const detail = `the end of the rollout of ${open.release} (keel rollout abort ${open.release}, or --supersede)`
  return say('no other rollout', false, detail)
}

function policyRequirement({ level, reasons, rules }: Policy, { trigger, addresses }: Wish): Requirement {
  const because = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`
  if (!rules.frozen) return say('policy', true, `${level}${because}`)
  if (trigger === 'hotfix' && addresses !== undefined)
    return say('policy', true, `${level}, but this mends ${addresses}`)
  return say('policy', false, `a policy that is not red${because} (a hotfix says which failure it --addresses)`)
}

async function freshness(ctx: Context, { rules }: Policy, gate: Gate | undefined): Promise<Requirement[]> {
  const golden = gate?.evidence['golden']
  if (rules.goldenDays === null || typeof golden !== 'object' || golden === null) return []
  if (!('name' in golden && 'version' in golden)) return []
  const name = String(golden.name)
  const { createdAt } = await evaluation.getGolden(ctx, { golden: name, version: Number(golden.version) })
  const age = (ctx.now().getTime() - Date.parse(createdAt)) / day
  const met = age <= rules.goldenDays
  const days = `${age.toFixed(0)} days old, ${rules.goldenDays} are allowed`
  return [say('golden freshness', met, met ? `"${name}" is ${days}` : `a fresher golden set: "${name}" is ${days}`)]
}
