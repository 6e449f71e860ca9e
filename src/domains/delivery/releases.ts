import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import { digestOfJson } from '../../core/json/json.ts'
import { cursorNumber, nextOf } from '../../core/paging.ts'
import * as registry from '../registry/registry.ts'
import type { delivery } from './contract.ts'
import { type Plan, readPlan } from './plan.ts'
import type { ReleaseRecord } from './store.ts'
import * as store from './store.ts'

type Operations = typeof delivery
export type Release = Output<Operations['getRelease']>

export async function listReleases(
  ctx: Context,
  { model, limit = 100, cursor }: Input<Operations['listReleases']>,
): Promise<Output<Operations['listReleases']>> {
  await registry.getModel(ctx, { model })
  const rows = await store.listReleases(ctx, model, cursorNumber(cursor), limit)
  return { items: rows.map(toRelease), ...nextOf(rows, limit, ({ number }) => number) }
}

export async function getRelease(ctx: Context, { release: id }: Input<Operations['getRelease']>): Promise<Release> {
  return toRelease(await requireRelease(ctx, id))
}

export async function requireRelease(ctx: Context, id: string): Promise<ReleaseRecord> {
  const row = await store.findRelease(ctx, id)
  if (!row) throw notFound('Release', id, 'List them with "keel releases <model>".')
  return row
}

export function planIn(release: ReleaseRecord): Plan {
  return readPlan(release.plan as Plan)
}

/** Whether the plan is still the one that was registered before the first request; the digest is of what is stored. */
export function hasRegisteredPlan(release: ReleaseRecord): boolean {
  return digestOfJson(release.plan) === release.plan_digest
}

export function toRelease(row: ReleaseRecord): Release {
  return {
    id: row.id,
    seenAs: row.seen_as,
    model: row.model,
    number: row.number,
    version: row.version,
    kind: row.kind as Release['kind'],
    trigger: row.trigger_kind as Release['trigger'],
    state: row.state as Release['state'],
    reason: row.reason,
    owner: row.owner,
    backup: row.backup,
    gate: row.gate,
    addresses: row.addresses,
    plan: row.plan,
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
