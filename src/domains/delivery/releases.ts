import { digestOfJson } from '../../core/canonical.ts'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { day } from '../../core/duration.ts'
import { AppError, notFound } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import { append } from '../../core/work/work.ts'
import * as features from '../features/features.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec/spec.ts'
import * as serving from '../serving/serving.ts'
import type { delivery } from './contract.ts'
import { checkRequirements } from './requirements.ts'
import { type Plan, planOf } from './rules.ts'
import type { ReleasesTable } from './schema.ts'
import * as store from './store.ts'
import { findTraffic, prepareTraffic, requireTraffic, setTraffic } from './traffic.ts'
import { commit, startRollout } from './transitions.ts'

type Operations = typeof delivery
export type Release = Output<Operations['getRelease']>
type Version = Awaited<ReturnType<typeof registry.getVersion>>

/** Releases a version, or says everything that is missing at once. Asked again while it rolls out, it answers the same. */
export async function release(ctx: Context, input: Input<Operations['release']>): Promise<Release> {
  const { model, version, reason, kind = 'model', trigger = 'human', addresses, supersede = false } = input
  const open = await store.openRollout(ctx, model)
  const running = open && (await store.findRelease(ctx, open.release))
  if (running && Number(running.version) === version && !supersede) return toRelease(running)
  const { spec, requirements, gate, rules } = await checkRequirements(ctx, { ...input, trigger, supersede })
  const missing = requirements.filter(({ blocks }) => blocks).map(({ detail }) => detail)
  if (!spec || missing.length > 0) throw refused(missing)
  await ensureBaseline(ctx, spec, await registry.getVersion(ctx, { model, version }))
  const traffic = await requireTraffic(ctx, model)
  const number = Number((await store.listReleases(ctx, model, undefined, 1))[0]?.number ?? 0) + 1
  const id = `${model}.r${number}`
  const plan = await planFor(ctx, spec, id, rules)
  await prepareTraffic(ctx, { ...traffic, shadow: { release: id, version } })
  const row: ReleasesTable = {
    ...blank(ctx, spec, { id, number, version, reason }),
    kind,
    trigger_kind: trigger,
    state: 'rolling_out',
    gate,
    addresses: addresses ?? null,
    plan: JSON.stringify(plan),
    plan_digest: digestOfJson(plan),
  }
  await transaction(ctx, async (ctx) => {
    await makeRoom(ctx, model, id, supersede)
    await store.insertRelease(ctx, row)
    await append(ctx, 'delivery.release_created', `model/${model}`, {
      release: id,
      version,
      kind,
      trigger,
      planDigest: row.plan_digest,
      reason,
    })
    await startRollout(ctx, row, plan)
  })
  return getRelease(ctx, { release: id })
}

async function planFor(
  ctx: Context,
  spec: ModelSpec,
  release: string,
  rules: { slower: number; approver: boolean },
): Promise<Plan> {
  const now = ctx.now()
  const period = { from: new Date(now.getTime() - day).toISOString(), to: now.toISOString() }
  const requestsPerDay = await serving.countLogged(ctx, { endpoint: spec.model, ...period })
  return planOf(spec, release, { slower: rules.slower, approval: rules.approver, requestsPerDay })
}

/** One rollout at a time: another one is ended when the caller says so, or refuses this one. */
async function makeRoom(ctx: Context, model: string, id: string, supersede: boolean): Promise<void> {
  const rollout = await store.openRollout(ctx, model)
  if (!rollout) return
  if (!supersede) throw refused([`another rollout of "${model}" is in progress`])
  const release = await requireRelease(ctx, rollout.release)
  const plan = JSON.parse(release.plan) as Plan
  const change = { kind: 'end', state: 'superseded' } as const
  await commit(ctx, { release, rollout, plan, change, guards: [], reason: `superseded by ${id}` })
}

/** What a release of this version needs and how it would go, without changing anything. */
export async function planRelease(
  ctx: Context,
  { model, version, trigger = 'human', addresses }: Input<Operations['planRelease']>,
): Promise<Output<Operations['planRelease']>> {
  const given = { model, version, trigger, addresses, supersede: false }
  const { spec, requirements, rules, policy } = await checkRequirements(ctx, given)
  const number = Number((await store.listReleases(ctx, model, undefined, 1))[0]?.number ?? 0) + 1
  const plan = spec ? await planFor(ctx, spec, `${model}.r${number}`, rules) : null
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

function blank(
  ctx: Context,
  spec: ModelSpec,
  given: { id: string; number: number; version: number; reason: string },
): ReleasesTable {
  return {
    ...given,
    model: spec.model,
    kind: 'model',
    trigger_kind: 'human',
    state: 'live',
    owner: spec.owner,
    backup: spec.backup,
    gate: null,
    addresses: null,
    plan: '{}',
    plan_digest: '',
    created_at: ctx.now().toISOString(),
    first_live_at: null,
    fully_live_at: null,
    ended_at: null,
    ended_because: null,
    caught: null,
    created_by: ctx.actor.name,
    failed_at: null,
  }
}

function refused(missing: string[]): AppError {
  return new AppError('refused_by_policy', `The release needs ${missing.join('; and ')}.`, {
    issues: missing.map((message) => ({ path: '', message })),
    hint: 'Nothing was released.',
  })
}

/** The first release of a model finds nothing to be compared with: what answers without it goes live before it. */
async function ensureBaseline(ctx: Context, spec: ModelSpec, version: Version): Promise<void> {
  const { model } = spec
  if (await findTraffic(ctx, model)) return
  const id = `${model}.r0`
  const reason = spec.delivery.elsewhere
    ? 'Whatever answered before Keel knew of it.'
    : await baselineReason(ctx, spec, version.trainingSet)
  const traffic = { endpoint: model, live: { release: id, version: 0 }, canary: null, shadow: null, warm: [] }
  await prepareTraffic(ctx, traffic)
  await transaction(ctx, async (ctx) => {
    if (await findTraffic(ctx, model)) return
    const now = ctx.now().toISOString()
    await store.insertRelease(ctx, {
      ...blank(ctx, spec, { id, number: 0, version: 0, reason }),
      kind: 'baseline',
      first_live_at: now,
      fully_live_at: now,
    })
    await store.appendLive(ctx, { model, release: id, version: 0, at: now, because: 'baseline' })
    await setTraffic(ctx, undefined, traffic)
    await append(ctx, 'delivery.live_changed', `model/${model}`, { model, release: id, version: 0 })
  })
}

async function baselineReason(ctx: Context, { model, serves }: ModelSpec, trainingSet: string | null): Promise<string> {
  if (trainingSet === null) {
    const given = serves.default ?? (serves.output === 'text' ? '' : undefined)
    if (given !== undefined) return `Built-in baseline: always ${JSON.stringify(given)}, as the spec says.`
    throw refused([
      `a baseline: "${model}" was registered without a training set, and its spec has no "serves.default"`,
    ])
  }
  const value = await features.labelMean(ctx, trainingSet)
  await transaction(ctx, (ctx) => registry.setBaseline(ctx, { model, value }))
  return `Built-in baseline: always ${value.toFixed(4)}, the mean of the training labels.`
}

export async function listReleases(
  ctx: Context,
  { model, limit = 100, cursor }: Input<Operations['listReleases']>,
): Promise<Output<Operations['listReleases']>> {
  await registry.getModel(ctx, { model })
  const rows = await store.listReleases(ctx, model, cursor === undefined ? undefined : Number(cursor), limit)
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items: rows.map(toRelease), ...(last ? { next: String(last.number) } : {}) }
}

export async function getRelease(ctx: Context, { release: id }: Input<Operations['getRelease']>): Promise<Release> {
  return toRelease(await requireRelease(ctx, id))
}

export async function requireRelease(ctx: Context, id: string): Promise<ReleasesTable> {
  const row = await store.findRelease(ctx, id)
  if (!row) throw notFound('Release', id, 'List them with "keel releases <model>".')
  return row
}

export function toRelease(row: ReleasesTable): Release {
  return {
    id: row.id,
    model: row.model,
    number: Number(row.number),
    version: Number(row.version),
    kind: row.kind as Release['kind'],
    trigger: row.trigger_kind as Release['trigger'],
    state: row.state as Release['state'],
    reason: row.reason,
    owner: row.owner,
    backup: row.backup,
    gate: row.gate,
    addresses: row.addresses,
    plan: JSON.parse(row.plan) as Record<string, unknown>,
    planDigest: row.plan_digest,
    createdAt: row.created_at,
    createdBy: row.created_by,
    firstLiveAt: row.first_live_at,
    fullyLiveAt: row.fully_live_at,
    endedAt: row.ended_at,
    endedBecause: row.ended_because,
    caught: row.caught === null ? null : row.caught === 1,
  }
}
