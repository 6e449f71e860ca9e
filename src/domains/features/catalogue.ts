import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import type { features } from './contract.ts'
import { loadDefinitions, serviceOf } from './definitions.ts'
import { lookupOnline } from './online-state.ts'
import { type Definitions, resolveService } from './rules.ts'

type Operations = typeof features

export async function listEntities(ctx: Context): Promise<Output<Operations['listEntities']>> {
  return { items: (await loadDefinitions(ctx)).entities }
}

export async function listViews(ctx: Context): Promise<Output<Operations['listViews']>> {
  return { items: (await loadDefinitions(ctx)).views }
}

export async function listServices(ctx: Context): Promise<Output<Operations['listServices']>> {
  return { items: (await loadDefinitions(ctx)).services }
}

export function getOnline(
  ctx: Context,
  { service, rows }: Input<Operations['getOnline']>,
): Output<Operations['getOnline']> {
  const at = ctx.now()
  const found = rows.map((request) => lookupOnline(ctx, { service, request, at }))
  return { rows: found.map(({ values, status }) => ({ values, status })) }
}

/** The sources behind the features of a service. */
export async function sourcesOf(ctx: Context, service: string): Promise<string[]> {
  const { views } = await serviceOf(ctx, service)
  return [...new Set(views.map(({ view }) => view.source))]
}

/** What of these inputs a service would not give or ask for under other definitions; undefined when it would be gone. */
export function missingUnder(
  definitions: Definitions,
  service: string,
  inputs: readonly string[],
): string[] | undefined {
  if (!definitions.services.some(({ name }) => name === service)) return undefined
  const { request, views } = resolveService(definitions, service)
  const known = new Set([...request.map(({ name }) => name), ...views.flatMap(({ features }) => features)])
  return inputs.filter((name) => !known.has(name))
}

/** What a caller has to send with each request of a service. */
export async function requestFields(
  ctx: Context,
  service: string,
): Promise<{ name: string; type: 'number' | 'string' }[]> {
  return (await serviceOf(ctx, service)).request
}
