import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import { type LoadedVersion, loadedVersion, type Routing } from '../routing/routing.ts'
import { inCanary } from '../rules.ts'
import type { AskedRelease, Target } from './record-answer.ts'

/** Who is asked for a unit: the canary for its share, the live release for all others. */
export function choose(ctx: Context, { endpoint, live, canary }: Routing, unit: string): AskedRelease {
  const target = canary && inCanary(unit, canary) ? canary : live
  return { chosen: ready(ctx, endpoint, target.version), target, arm: target === canary ? 'canary' : 'live' }
}

/** Who answers in place of a release that failed: the live one, then those before it, then the built-in baseline. */
export function* standIns(ctx: Context, { endpoint, live, warm }: Routing, failed: Target): Generator<AskedRelease> {
  for (const target of [live, ...warm]) {
    const chosen = target.release === failed.release ? undefined : loadedVersion(ctx, endpoint, target.version)
    if (chosen) yield { chosen, target, arm: 'live', fallback: true }
  }
}

function ready(ctx: Context, endpoint: string, version: number): LoadedVersion {
  const loaded = loadedVersion(ctx, endpoint, version)
  if (loaded) return loaded
  throw new AppError('not_ready', `"${endpoint}" is still loading version ${version}.`, {
    name: endpoint,
    retryAfterSeconds: 1,
  })
}
