import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import { failureOf, loadedVersion, type Routing } from '../routing/routing.ts'
import { inCanary } from '../rules.ts'
import type { AskedRelease, Target } from './record-answer.ts'

/**
 * Who is asked for a unit: the canary for its share, the live release for all others. One that could not be started is stood in
 * for; of one that is still loading the caller is told to come again.
 */
export function choose(ctx: Context, routing: Routing, unit: string): AskedRelease {
  const { endpoint, live, canary } = routing
  const target = canary && inCanary(unit, canary) ? canary : live
  const chosen = loadedVersion(ctx, endpoint, target.version)
  if (chosen) return { chosen, target, arm: target === canary ? 'canary' : 'live' }
  const failure = failureOf(ctx, endpoint, target.version)
  const [standIn] = failure ? standIns(ctx, routing, target) : []
  if (standIn) return standIn
  throw new AppError(
    'not_ready',
    failure
      ? `"${target.release}" could not be started, and nothing can stand in for it: ${failure.error.message}`
      : `"${endpoint}" is still loading version ${target.version}.`,
    {
      name: endpoint,
      hint: failure ? `It is tried again; see "keel endpoints show ${endpoint}".` : undefined,
      retryAfterSeconds: failure ? 10 : 1,
    },
  )
}

/** Who answers in place of a release that failed: the live one, then those before it, then the built-in baseline. */
export function* standIns(ctx: Context, { endpoint, live, warm }: Routing, failed: Target): Generator<AskedRelease> {
  for (const target of [live, ...warm]) {
    const chosen = target.release === failed.release ? undefined : loadedVersion(ctx, endpoint, target.version)
    if (chosen) yield { chosen, target, arm: 'live', fallback: true }
  }
}
