import type { Context } from '../../../core/context.ts'
import type { Output } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import * as evaluation from '../../evaluation/evaluation.ts'
import * as registry from '../../registry/registry.ts'
import type { ModelSpec } from '../../registry/spec/spec.ts'
import type { delivery } from '../contract.ts'
import { policy as findPolicy } from '../policy.ts'
import * as store from '../store.ts'
import { findTraffic } from '../traffic.ts'
import { fail, pass, type Requirement } from './blocking.ts'
import { freshnessRequirements, gateRequirement, leakageRequirements, skewRequirements } from './evidence.ts'

type Policy = Output<(typeof delivery)['policy']>
type Version = Awaited<ReturnType<typeof registry.getVersion>>

export type ReleaseRequest = {
  model: string
  version: number
  trigger: string
  addresses?: string | undefined
  supersede: boolean
}

const unhindered: Policy['rules'] = { slower: 1, approver: false, goldenDays: null, frozen: false }

/** Everything that a release needs, each with a verdict and whether it blocks. */
export async function checkRequirements(ctx: Context, request: ReleaseRequest) {
  const { model, version } = request
  const { spec, specVersion } = await registry.getModel(ctx, { model })
  const candidate = await registry.getVersion(ctx, { model, version })
  if (!spec || specVersion === null) {
    const requirements = [fail('spec', `a spec: write models/${model}.yaml, then run "keel apply"`)]
    return { spec: null, requirements, gate: '', rules: unhindered, policy: null, uncertain: false }
  }
  const gate = await evaluation.latestGate(ctx, { model, version })
  const { policy, requirements: momentary } = await checkMoment(ctx, request)
  const requirements = [
    pass('spec', `models/${model}.yaml, version ${specVersion}`),
    pass('owner', spec.owner),
    spec.backup === spec.owner
      ? fail('backup', `a backup who is not the owner "${spec.owner}"`)
      : pass('backup', spec.backup),
    await rollbackPlan(ctx, spec, candidate),
    await gateRequirement(ctx, request, { gate, spec, specVersion }),
    ...(await skewRequirements(ctx, request)),
    ...(await leakageRequirements(ctx, request)),
    lineage(candidate),
    ...momentary,
    ...(await freshnessRequirements(ctx, policy, gate)),
  ]
  const uncertain = gate?.verdict === 'cannot_tell'
  return { spec, requirements, gate: gate?.id ?? '', rules: rulesUnder(policy, uncertain), policy, uncertain }
}

/** What a rollback, another release or an alert changes at any moment: asked once more in the transaction of the release. */
export async function checkMoment(ctx: Context, request: ReleaseRequest) {
  const policy = await findPolicy(ctx, { model: request.model })
  const requirements = [
    await unpinned(ctx, request.model),
    await noOtherRollout(ctx, request),
    policyRequirement(policy, request),
  ]
  return { policy, requirements }
}

/** A gate that could not tell makes a release as slow as an amber policy does. */
export function rulesUnder({ rules }: Policy, uncertain: boolean): Policy['rules'] {
  return uncertain ? { ...rules, slower: Math.max(2, rules.slower) } : rules
}

export function refuseMissing(requirements: readonly Requirement[]): void {
  const missing = requirements.filter(({ blocks }) => blocks).map(({ detail }) => detail)
  if (missing.length > 0) throw refused(missing)
}

async function rollbackPlan(ctx: Context, spec: ModelSpec, candidate: Version): Promise<Requirement> {
  const { rollback, external } = spec.delivery
  const back = rollback.to === 'baseline' ? 'the baseline' : 'the previous release'
  if (external) return pass('rollback plan', `to ${back}, by its own "rollback:"`)
  if (
    !(await findTraffic(ctx, spec.model)) &&
    (await evaluation.constantBaseline(ctx, { spec, version: candidate })) === null
  )
    return fail(
      'rollback plan',
      'something to go back to: the golden set has no items and the spec no "serves.default", so there is no baseline',
    )
  return pass('rollback plan', `to ${back}, kept warm, rehearsed every ${rollback.drill_every}`)
}

function lineage({ tainted }: Version): Requirement {
  return tainted.length === 0
    ? pass('lineage', 'every source is vetted')
    : fail('lineage', `vetted sources; "${tainted.join('", "')}" are not`)
}

async function unpinned(ctx: Context, model: string): Promise<Requirement> {
  const pin = await store.findPin(ctx, model)
  if (pin?.pinned !== 1) return pass('unpinned', 'no rollback holds it back')
  return fail('unpinned', `an unpinned model; it was pinned because: ${pin.reason} (keel unpin ${model} --reason "…")`)
}

async function noOtherRollout(ctx: Context, { model, supersede }: ReleaseRequest): Promise<Requirement> {
  const open = await store.openRollout(ctx, model)
  if (!open) return pass('no other rollout', 'none is under way')
  if (supersede) return pass('no other rollout', `${open.release} will be superseded`)
  return fail(
    'no other rollout',
    `the end of the rollout of ${open.release} (keel rollout abort ${open.release}, or --supersede)`,
  )
}

function policyRequirement({ level, reasons, rules }: Policy, { trigger, addresses }: ReleaseRequest): Requirement {
  const because = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`
  if (!rules.frozen) return pass('policy', `${level}${because}`)
  if (trigger === 'hotfix' && addresses !== undefined) return pass('policy', `${level}, but this mends ${addresses}`)
  return fail('policy', `a policy that is not red${because} (a hotfix says which failure it --addresses)`)
}

export function refused(missing: string[]): AppError {
  return new AppError('refused_by_policy', `The release needs ${missing.join('; and ')}.`, {
    issues: missing.map((message) => ({ path: '', message })),
    hint: 'Nothing was released.',
  })
}
