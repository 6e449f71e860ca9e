import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { day } from '../../core/duration.ts'
import { digestOfJson } from '../../core/json/json.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import { ensureBaseline } from './baseline.ts'
import type { delivery } from './contract.ts'
import { append } from './events.ts'
import { planOf } from './plan.ts'
import { planIn, type Release, requireRelease, toRelease } from './releases.ts'
import { checkMoment, checkRequirements, refused, refuseMissing, rulesUnder } from './requirements/requirements.ts'
import type { ReleaseRecord } from './store.ts'
import * as store from './store.ts'
import { prepareTraffic, requireTraffic } from './traffic.ts'
import { applyMove, startRollout } from './transitions.ts'

type Operations = typeof delivery
type ReleaseInput = Input<Operations['release']>

/** Releases a version, or says everything that is missing at once. Asked again while it rolls out, it answers the same. */
export async function release(ctx: Context, input: ReleaseInput): Promise<Release> {
  const { model, version, reason, kind = 'model', trigger = 'human', addresses, supersede = false } = input
  const before = await findUnderWay(ctx, input)
  if (before) return toRelease(before)
  const request = { ...input, trigger, supersede }
  const { spec, requirements, gate, uncertain } = await checkRequirements(ctx, request)
  const missing = requirements.filter(({ blocks }) => blocks).map(({ detail }) => detail)
  if (!spec || missing.length > 0) {
    const meanwhile = await findUnderWay(ctx, input)
    if (meanwhile) return toRelease(meanwhile)
    throw refused(missing)
  }
  await ensureBaseline(ctx, spec, await registry.getVersion(ctx, { model, version }))
  // Loaded by its version: the release has no name before its transaction.
  const traffic = await requireTraffic(ctx, model)
  await prepareTraffic(ctx, { ...traffic, shadow: { release: model, version } })
  const requestsPerDay = await countRequests(ctx, model)
  return transaction(ctx, async (ctx) => {
    const meanwhile = await findUnderWay(ctx, input)
    if (meanwhile) return toRelease(meanwhile)
    const { policy, requirements } = await checkMoment(ctx, request)
    refuseMissing(requirements)
    const { slower, approver: approval } = rulesUnder(policy, uncertain)
    const number = await nextNumber(ctx, model)
    const id = `${model}.r${number}`
    const plan = planOf(spec, id, { slower, approval, requestsPerDay })
    await endOther(ctx, { model, by: id, supersede })
    const row = await store.insertRelease(ctx, {
      id,
      model,
      number,
      version,
      kind,
      trigger_kind: trigger,
      state: 'rolling_out',
      reason,
      owner: spec.owner,
      backup: spec.backup,
      gate,
      addresses: addresses ?? null,
      plan,
      plan_digest: digestOfJson(plan),
      created_at: ctx.now().toISOString(),
      created_by: ctx.actor.name,
    })
    const data = { release: id, version, kind, trigger, planDigest: row.plan_digest, reason }
    await append(ctx, 'delivery.release_created', `model/${model}`, data)
    await startRollout(ctx, row, plan)
    return toRelease(row)
  })
}

/** The release that was asked for, when it is rolling out already. */
async function findUnderWay(ctx: Context, input: ReleaseInput): Promise<ReleaseRecord | undefined> {
  if (input.supersede) return undefined
  const open = await store.openRollout(ctx, input.model)
  const row = open && (await store.findRelease(ctx, open.release))
  return row && row.version === input.version ? row : undefined
}

async function nextNumber(ctx: Context, model: string): Promise<number> {
  return Number((await store.listReleases(ctx, model, undefined, 1))[0]?.number ?? 0) + 1
}

/** How many requests a day the plan has to expect. */
function countRequests(ctx: Context, model: string): Promise<number> {
  const now = ctx.now()
  const from = new Date(now.getTime() - day).toISOString()
  return serving.countLogged(ctx, { endpoint: model, from, to: now.toISOString() })
}

/** One rollout at a time: another one is ended when the caller says so, or refuses this one. */
async function endOther(
  ctx: Context,
  { model, by, supersede }: { model: string; by: string; supersede: boolean },
): Promise<void> {
  const rollout = await store.openRollout(ctx, model)
  if (!rollout) return
  if (!supersede) throw refused([`another rollout of "${model}" is in progress`])
  const release = await requireRelease(ctx, rollout.release)
  const plan = planIn(release)
  const change = { kind: 'end', state: 'superseded' } as const
  await applyMove(ctx, { release, rollout, plan, change, guards: [], reason: `superseded by ${by}` })
}

/** What a release of this version needs and how it would go, without changing anything. */
export async function planRelease(
  ctx: Context,
  { model, version, trigger = 'human', addresses }: Input<Operations['planRelease']>,
): Promise<Output<Operations['planRelease']>> {
  const request = { model, version, trigger, addresses, supersede: false }
  const { spec, requirements, rules, policy } = await checkRequirements(ctx, request)
  const circumstances = {
    slower: rules.slower,
    approval: rules.approver,
    requestsPerDay: await countRequests(ctx, model),
  }
  const plan = spec ? planOf(spec, `${model}.r${await nextNumber(ctx, model)}`, circumstances) : null
  return {
    model,
    version,
    ready: !requirements.some(({ blocks }) => blocks),
    requirements,
    plan,
    planDigest: plan && digestOfJson(plan),
    policy,
  }
}
