import type { Context } from '../../core/context.ts'
import { type Definitions, type ResolvedService, resolveService } from './rules.ts'
import * as store from './store.ts'

export async function loadDefinitions(ctx: Context): Promise<Definitions> {
  const rows = await store.listDefinitions(ctx)
  const of = <T>(kind: store.Kind) =>
    rows.filter((row) => row.kind === kind).map((row) => JSON.parse(row.definition) as T)
  return { entities: of('entity'), views: of('view'), services: of('service') }
}

export async function serviceOf(ctx: Context, name: string): Promise<ResolvedService> {
  return resolveService(await loadDefinitions(ctx), name)
}
