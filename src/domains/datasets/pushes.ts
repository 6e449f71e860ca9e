import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import type { datasets } from './contract.ts'
import * as store from './pushes-store.ts'
import type { SourcePushesTable } from './schema.ts'

type Push = NonNullable<Input<(typeof datasets)['append']>['push']>

/** The part of a file that was stored before, when the same file is pushed again: its rows are there once. */
export function findPart(ctx: Context, source: string, { id, part }: Push): Promise<SourcePushesTable | undefined> {
  return store.findPart(ctx, { source, push: id, part })
}

export function recordPart(ctx: Context, source: string, { id, part, parts }: Push, rows: number): Promise<void> {
  return store.insertPart(ctx, { source, push: id, part, parts, rows, at: ctx.now().toISOString() })
}

/** The newest file of which only the first parts are stored, because its sender was stopped. */
export async function unfinishedPush(
  ctx: Context,
  source: string,
): Promise<Output<(typeof datasets)['getSource']>['unfinished']> {
  const found = await store.newestUnfinished(ctx, source)
  return found && { at: found.at, rows: Number(found.rows), parts: Number(found.stored), of: Number(found.parts) }
}
