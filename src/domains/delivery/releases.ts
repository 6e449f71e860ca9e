import { digestOfJson } from '../../core/canonical.ts'
import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, notFound } from '../../core/errors.ts'
import { append } from '../../core/events.ts'
import { transaction } from '../../core/transaction.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import * as features from '../features/features.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec.ts'
import * as serving from '../serving/serving.ts'
import type { delivery } from './contract.ts'
import { policy } from './policy.ts'
import { startRollout } from './rollout.ts'
import { planOf } from './rules.ts'
import type { ReleasesTable } from './schema.ts'
import * as store from './store.ts'

type Operations = typeof delivery
export type Release = Output<Operations['getRelease']>

const gateValidMs = 30 * 86_400_000

/** Releases a version, or says everything that is missing at once. */
export async function release(ctx: Context, input: Input<Operations['release']>): Promise<Release> {
  const { model, version, reason, kind = 'model', trigger = 'human', addresses } = input
  const spec = await registry.requireSpec(ctx, model)
  const candidate = await registry.getVersion(ctx, { model, version })
  const gate = await requirements(ctx, model, candidate)
  const { level } = await policy(ctx, { model })
  if (candidate.trainingSet !== null) await ensureBaseline(ctx, spec, candidate.trainingSet)
  const routing = await serving.getRouting(ctx, model)
  if (!routing) throw refused([`"${model}" has no baseline: version ${version} was registered without a training set`])
  const number = ((await store.listReleases(ctx, model, undefined, 1))[0]?.number ?? 0) + 1
  const id = `${model}.r${number}`
  const plan = planOf(spec, id, level === 'yellow')
  await serving.prepareRouting(ctx, { ...routing, shadow: { release: id, version } })
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
    if (await store.openRollout(ctx, model)) throw refused([`another rollout of "${model}" is in progress`])
    await store.insertRelease(ctx, row)
    await append(ctx, 'delivery.release_created', `model/${model}`, {
      release: id,
      version,
      planDigest: row.plan_digest,
      reason,
    })
    await startRollout(ctx, row, plan)
  })
  return getRelease(ctx, { release: id })
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
  }
}

/** Everything that a release needs beside its version; returns the gate that it stands on. */
async function requirements(
  ctx: Context,
  model: string,
  version: Awaited<ReturnType<typeof registry.getVersion>>,
): Promise<string> {
  const missing: string[] = []
  const gate = await evaluation.latestGate(ctx, { model, version: version.version })
  const { specVersion } = await registry.getModel(ctx, { model })
  if (!gate) missing.push(`a gate: run "keel gate ${model}@${version.version}"`)
  else if (gate.verdict !== 'pass')
    missing.push(`a passed gate; ${gate.id} says ${gate.verdict.replaceAll('_', ' ')}: ${gate.summary}`)
  else if (ctx.now().getTime() - Date.parse(gate.createdAt) > gateValidMs)
    missing.push(`a fresh gate; ${gate.id} is older than 30 days`)
  else if (gate.evidence['specVersion'] !== undefined && gate.evidence['specVersion'] !== specVersion) {
    missing.push(`a gate of the present spec; ${gate.id} judged an earlier one`)
  }
  if (version.tainted.length > 0) missing.push(`vetted sources; "${version.tainted.join('", "')}" are not`)
  const pin = await store.findPin(ctx, model)
  if (pin?.pinned === 1)
    missing.push(`an unpinned model; it was pinned because: ${pin.reason} (keel unpin ${model} --reason "…")`)
  const open = await store.openRollout(ctx, model)
  if (open) missing.push(`the end of the rollout of ${open.release} (keel rollout abort ${open.release})`)
  const state = await policy(ctx, { model })
  if (state.level === 'red') missing.push(`a policy that is not red: ${state.reasons.join('; ')}`)
  if (missing.length > 0) throw refused(missing)
  return gate?.id ?? ''
}

function refused(missing: string[]): AppError {
  return new AppError('refused_by_policy', `The release needs ${missing.join('; and ')}.`, {
    issues: missing.map((message) => ({ path: '', message })),
    hint: 'Nothing was released.',
  })
}

/** The first release of a model finds nothing to be compared with: the built-in baseline goes live before it. */
async function ensureBaseline(ctx: Context, spec: ModelSpec, trainingSet: string): Promise<void> {
  const { model } = spec
  if (await serving.getRouting(ctx, model)) return
  const value = await features.labelMean(ctx, trainingSet)
  await transaction(ctx, (ctx) => registry.setBaseline(ctx, { model, value }))
  const id = `${model}.r0`
  const routing = { endpoint: model, live: { release: id, version: 0 }, canary: null, shadow: null, warm: [] }
  await serving.prepareRouting(ctx, routing)
  await transaction(ctx, async (ctx) => {
    if (await serving.getRouting(ctx, model)) return
    const now = ctx.now().toISOString()
    const reason = `Built-in baseline: always ${value.toFixed(4)}, the mean of the training labels.`
    await store.insertRelease(ctx, {
      ...blank(ctx, spec, { id, number: 0, version: 0, reason }),
      kind: 'baseline',
      first_live_at: now,
      fully_live_at: now,
    })
    await store.appendLive(ctx, { model, release: id, version: 0, at: now, because: 'baseline' })
    await serving.setRouting(ctx, routing)
    await append(ctx, 'delivery.live_changed', `model/${model}`, { model, release: id, version: 0 })
  })
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
    firstLiveAt: row.first_live_at,
    fullyLiveAt: row.fully_live_at,
    endedAt: row.ended_at,
    endedBecause: row.ended_because,
    caught: row.caught === null ? null : row.caught === 1,
  }
}
