import type { Context } from '../../core/context.ts'
import { conflict, notFound } from '../../core/errors.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import { append } from './events.ts'
import * as store from './store.ts'

/** Which release gets which traffic, from this server's gateway or, for an external deployment, as it was last deployed. */
export type Routing = serving.Routing
export type Target = serving.Target

async function isExternal(ctx: Context, model: string): Promise<boolean> {
  return (await registry.getModel(ctx, { model })).spec?.delivery.external !== undefined
}

export async function findTraffic(ctx: Context, model: string): Promise<Routing | undefined> {
  if (!(await isExternal(ctx, model))) return serving.getRouting(ctx, model)
  const row = await store.findOutsideRoute(ctx, model)
  return row?.routing
}

export type ServedRelease = Target & { model: string; role: 'live' | 'canary' | 'shadow' | 'warm' }

/** Every release that is asked now, or that a rollback goes back to. */
export async function servedReleases(ctx: Context): Promise<ServedRelease[]> {
  const served: ServedRelease[] = []
  const outside = (await store.listOutsideRoutes(ctx)).map(({ routing }) => routing)
  for (const { endpoint: model, live, canary, shadow, warm } of [...(await serving.listRoutings(ctx)), ...outside]) {
    const named = [
      { target: live, role: 'live' as const },
      { target: canary, role: 'canary' as const },
      { target: shadow, role: 'shadow' as const },
      ...warm.map((target) => ({ target, role: 'warm' as const })),
    ]
    for (const { target, role } of named)
      if (target) served.push({ model, role, release: target.release, version: target.version })
  }
  return served
}

export async function requireTraffic(ctx: Context, model: string): Promise<Routing> {
  const traffic = await findTraffic(ctx, model)
  if (traffic) return traffic
  if (!(await store.findSeen(ctx, model))) throw notFound('Endpoint', model, `Nothing of "${model}" is live.`)
  throw conflict(`"${model}" answers elsewhere: its traffic is not sent from here.`, {
    name: model,
    hint: `Change it where it is deployed, or give models/${model}.yaml "delivery.external" and release it from here.`,
  })
}

/** Loads what the traffic names, so that switching to it later costs nothing. */
export async function prepareTraffic(ctx: Context, traffic: Omit<Routing, 'revision'>): Promise<void> {
  if (!(await isExternal(ctx, traffic.endpoint))) await serving.prepareRouting(ctx, traffic)
}

/** One write, in the caller's transaction; refused when somebody changed the traffic since `from` was read. */
export async function setTraffic(
  ctx: Context,
  from: Routing | undefined,
  to: Omit<Routing, 'revision'>,
): Promise<Routing> {
  const present = await findTraffic(ctx, to.endpoint)
  if (present?.revision !== from?.revision) {
    throw conflict(`The traffic of "${to.endpoint}" was changed meanwhile.`, { name: to.endpoint })
  }
  if (!(await isExternal(ctx, to.endpoint))) return serving.setRouting(ctx, to)
  const next: Routing = { ...to, revision: (present?.revision ?? 0) + 1 }
  await store.saveOutsideRoute(ctx, { model: to.endpoint, revision: next.revision, routing: next })
  await append(ctx, 'delivery.traffic_changed', `model/${to.endpoint}`, { ...next })
  return next
}

/** Does the gateway of this server answer with the target now? An external deployment is verified by its own check. */
export async function answersWith(ctx: Context, model: string, target: Target): Promise<boolean> {
  if (await isExternal(ctx, model)) return true
  const current = serving.currentRouting(ctx, model)
  return current?.live.release === target.release && serving.getEndpoint(ctx, { endpoint: model }).ready
}
