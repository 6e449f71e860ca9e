import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import * as delivery from '../delivery/delivery.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import * as features from '../features/features.ts'
import * as registry from '../registry/registry.ts'
import type { project } from './contract.ts'
import { orNothing } from './or-nothing.ts'

type Definitions = Input<(typeof project)['plan']>
type Spec = Definitions['models'][number]
type Features = Definitions['features'][number]
type Refusal = Output<(typeof project)['plan']>['refusals'][number]

/** The definitions that would be, and those that are: what was broken before is not what these files take away. */
type Change = {
  specs: Map<string, Spec>
  features: { before: Features; after: Features } | undefined
  golden: Set<string>
}

type Served = delivery.ServedRelease

/** What releases need that get traffic, or that a rollback goes back to, and would not have any more. */
export async function takenAway(ctx: Context, change: Change): Promise<Refusal[]> {
  const refusals: Refusal[] = []
  for (const served of await delivery.servedReleases(ctx)) {
    for (const why of [await missingForSpec(ctx, served, change), await missingFeatures(ctx, served, change)])
      if (why !== undefined) refusals.push(refusal(served, why))
  }
  return refusals
}

const roles = {
  live: 'is live',
  canary: 'is rolling out',
  shadow: 'is in shadow',
  warm: 'is what a rollback goes back to',
} as const

function refusal({ model, release, version, role }: Served, why: string): Refusal {
  const other = `release a version that does without it first: keel release ${model}@<version> --reason "…"`
  const end = role === 'live' || role === 'warm' ? other : `end its rollout first: keel rollout abort ${release}`
  return {
    model,
    release,
    detail: `"${release}"${version === 0 ? '' : ` (v${version})`} ${roles[role]} and ${why}.`,
    hint: `Leave that in the files as it was, or ${end}.`,
  }
}

async function missingForSpec(ctx: Context, served: Served, { specs, golden }: Change): Promise<string | undefined> {
  const { model, version } = served
  const after = specs.get(model)
  const before = (await registry.getModel(ctx, { model })).spec
  if (!after || !before) return undefined
  if ((before.delivery.external === undefined) !== (after.delivery.external === undefined))
    return `its traffic goes ${before.delivery.external ? 'by "delivery.external"' : 'through this server'}, which these files end`
  if (version > 0 && after.golden !== before.golden && !(await isGolden(ctx, after.golden, golden)))
    return `is judged on the golden set "${before.golden}", which its spec names no more ("${after.golden}" does not exist)`
  if (before.delivery.external) return undefined
  const obstacle = await registry.obstacleTo(ctx, { model, version, serves: after.serves })
  if (obstacle === undefined) return undefined
  return obstacle === (await registry.obstacleTo(ctx, { model, version, serves: before.serves })) ? undefined : obstacle
}

async function isGolden(ctx: Context, name: string, declared: Set<string>): Promise<boolean> {
  if (declared.has(name)) return true
  return (await orNothing(evaluation.getGolden(ctx, { golden: name }))) !== undefined
}

async function missingFeatures(
  ctx: Context,
  served: Served,
  { features: change }: Change,
): Promise<string | undefined> {
  const { model, version } = served
  if (!change || version === 0) return undefined
  const { service, signature } = await registry.getVersion(ctx, { model, version })
  if (service === null) return undefined
  const inputs = signature?.inputs.map(({ name }) => name) ?? []
  const before = features.missingUnder(change.before, service, inputs)
  if (before === undefined) return undefined
  const after = features.missingUnder(change.after, service, inputs)
  if (after === undefined) return `reads the feature service "${service}", which these files take away`
  const gone = after.filter((name) => !before.includes(name))
  if (gone.length === 0) return undefined
  const names = gone.map((name) => `"${name}"`).join(', ')
  return `reads ${names} of the feature service "${service}", which these files take away`
}
