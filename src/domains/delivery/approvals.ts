import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, conflict } from '../../core/errors.ts'
import { transaction } from '../../core/transaction.ts'
import { personOf } from '../access/access.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import * as registry from '../registry/registry.ts'
import type { delivery } from './contract.ts'
import { append } from './events.ts'
import { enqueue } from './jobs.ts'
import type { ApprovalsTable } from './schema.ts'
import type { ReleaseRecord } from './store.ts'
import * as store from './store.ts'

type Operations = typeof delivery
type Approval = Output<Operations['approve']>
type Basis = { artifact: string; report: string | undefined }

/** What an approval is bound to: these bytes, and this evidence about them. */
async function basisOf(ctx: Context, model: string, version: number): Promise<Basis> {
  const { artifact } = await registry.getVersion(ctx, { model, version })
  const gate = await evaluation.latestGate(ctx, { model, version })
  return { artifact: artifact ?? '', report: gate?.digest }
}

/** Who signs is a person: by a session, a token of their own, or on the server's machine. */
function signer({ actor }: Context): string {
  if (actor.kind !== 'service' && actor.kind !== 'ci') return actor.name
  throw new AppError('forbidden', `"${actor.name}" is not a person, and an approval is what a person answers for.`, {
    name: actor.name,
    hint: 'Sign in, or use a token of your own.',
  })
}

/** One person is one person, whichever of their tokens they use. */
function isOther(row: ApprovalsTable, author: string): boolean {
  return personOf(row.approved_by) !== personOf(author)
}

function holds(row: ApprovalsTable, { artifact, report }: Basis): boolean {
  return row.artifact === artifact && row.report === report
}

/** The same person approving the same thing twice has approved it once. */
export async function approve(ctx: Context, input: Input<Operations['approve']>): Promise<Approval> {
  const { model, version, reason, report: expected } = input
  const { artifact, report } = await basisOf(ctx, model, version)
  const name = `${model}@${version}`
  if (report === undefined) throw conflict(`"${name}" has no gate to approve.`, { name, hint: `keel gate ${name}` })
  if (expected !== undefined && expected !== report) {
    throw new AppError('digest_mismatch', `The evidence about "${name}" is now ${report}, not ${expected}.`, {
      name,
      hint: 'Read the new report, then approve that.',
    })
  }
  const by = signer(ctx)
  return transaction(ctx, async (ctx) => {
    const known = (await store.listApprovals(ctx, model, version)).find(
      (row) => !isOther(row, by) && holds(row, { artifact, report }),
    )
    if (known) return toApproval(known, { artifact, report })
    const at = ctx.now().toISOString()
    const row: ApprovalsTable = { id: ctx.id('apv'), model, version, artifact, report, approved_by: by, reason, at }
    await store.insertApproval(ctx, row)
    await append(ctx, 'delivery.approved', `model/${model}`, { version, artifact, report, reason })
    const open = await store.openRollout(ctx, model)
    if (open) await enqueue(ctx, { kind: 'delivery.tick', payload: { release: open.release } })
    return toApproval(row, { artifact, report })
  })
}

export async function listApprovals(
  ctx: Context,
  { model, version }: Input<Operations['listApprovals']>,
): Promise<Output<Operations['listApprovals']>> {
  const items: Approval[] = []
  for (const row of await store.listApprovals(ctx, model, version)) {
    items.push(toApproval(row, await basisOf(ctx, model, row.version)))
  }
  return { items }
}

/** Somebody else than `author` signed exactly these bytes and this evidence. */
export async function findApproval(
  ctx: Context,
  { model, version, author }: { model: string; version: number; author: string },
): Promise<Approval | undefined> {
  const basis = await basisOf(ctx, model, version)
  const rows = await store.listApprovals(ctx, model, version)
  const found = rows.find((row) => isOther(row, author) && holds(row, basis))
  return found && toApproval(found, basis)
}

/** How somebody else can sign, and why one's own signature of exactly this, where there is one, does not count. */
export async function waysToSign(
  ctx: Context,
  { model, version }: { model: string; version: number },
): Promise<string> {
  const basis = await basisOf(ctx, model, version)
  const author = ctx.actor.name
  const own = (await store.listApprovals(ctx, model, version)).some((row) => !isOther(row, author) && holds(row, basis))
  const command = `a second person: keel approve ${model}@${version} --reason "…"`
  return own ? `${command}; yours, as ${author}, does not count, since you are the one who releases it` : command
}

/** Somebody else than `author` signed any version of the model, at that moment or later. */
export async function signedSince(
  ctx: Context,
  { model, since, author }: { model: string; since: string; author: string },
): Promise<{ by: string; at: string } | undefined> {
  const rows = await store.listApprovals(ctx, model)
  const found = rows.find((row) => isOther(row, author) && row.at >= since)
  return found && { by: found.approved_by, at: found.at }
}

export async function isApproved(ctx: Context, { model, version, created_by }: ReleaseRecord): Promise<boolean> {
  return (await findApproval(ctx, { model, version: Number(version), author: created_by })) !== undefined
}

function toApproval(row: ApprovalsTable, basis: Basis): Approval {
  const { id, model, version, artifact, report, approved_by: by, reason, at } = row
  return { id, model, version: Number(version), artifact, report, by, reason, at, valid: holds(row, basis) }
}
