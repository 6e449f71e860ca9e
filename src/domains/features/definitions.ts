import type { Context } from '../../core/context.ts'
import { type Definitions, type ResolvedService, resolveService } from './rules.ts'
import * as store from './store.ts'

export function loadDefinitions(ctx: Context): Promise<Definitions> {
  return store.listDefinitions(ctx)
}

export async function serviceOf(ctx: Context, name: string): Promise<ResolvedService> {
  return resolveService(await loadDefinitions(ctx), name)
}
