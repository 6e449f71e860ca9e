import { latestEvents } from '../../../core/background/background.ts'
import { type Context, liveValue } from '../../../core/context.ts'
import { type AppError, toAppError } from '../../../core/errors.ts'
import { transaction } from '../../../core/transaction.ts'
import { append } from '../events.ts'
import { type LoadedVersion, loadVersion } from './loading.ts'

/** Why a version that is to answer does not; it is tried again until it does, or until nothing names it any more. */
export type Failure = { release: string; error: AppError }

type Versions = {
  loaded: Map<string, LoadedVersion>
  /** Under way: whoever needs one of them meanwhile waits for the same. */
  opening: Map<string, Promise<LoadedVersion>>
  failed: Map<string, Failure>
  retries: Map<string, NodeJS.Timeout>
  stopping: AbortController
}

export const versionsOf = (ctx: Context) =>
  liveValue(
    ctx,
    'serving.versions',
    (): Versions => ({
      loaded: new Map(),
      opening: new Map(),
      failed: new Map(),
      retries: new Map(),
      stopping: new AbortController(),
    }),
  )

export const keyOf = (endpoint: string, version: number) => `${endpoint}@${version}`

export function openVersion(ctx: Context, endpoint: string, version: number): Promise<LoadedVersion> {
  const { loaded, opening, failed, stopping } = versionsOf(ctx)
  const key = keyOf(endpoint, version)
  const known = loaded.get(key)
  if (known) {
    known.neededAt = ctx.clock.elapsed()
    return Promise.resolve(known)
  }
  const underWay = opening.get(key)
  if (underWay) return underWay
  const work = loadVersion(ctx, endpoint, version, stopping.signal)
    .then((opened) => {
      loaded.set(key, opened)
      failed.delete(key)
      return opened
    })
    .finally(() => opening.delete(key))
  opening.set(key, work)
  return work
}

type Kept = { endpoint: string; target: { release: string; version: number }; isNamed: () => boolean }

const firstPause = 5_000
const longestPause = 300_000

/**
 * Opens a version that a stored routing names, and does not give up: what was live before a restart comes back by itself as
 * soon as it can. Returns after the first attempt.
 */
export async function keepOpening(ctx: Context, kept: Kept, attempt = 1): Promise<void> {
  const { endpoint, target, isNamed } = kept
  const { failed, retries, stopping } = versionsOf(ctx)
  const key = keyOf(endpoint, target.version)
  retries.delete(key)
  if (stopping.signal.aborted || (attempt > 1 && !isNamed())) return
  try {
    await openVersion(ctx, endpoint, target.version)
    if (attempt > 1 || (await wasToldToFail(ctx, kept))) await tell(ctx, kept)
  } catch (thrown) {
    if (stopping.signal.aborted) return
    const error = toAppError(thrown)
    ctx.log.error({ err: thrown, endpoint, release: target.release, attempt }, 'a release could not be started')
    const first = !failed.has(key)
    failed.set(key, { release: target.release, error })
    const pause = Math.min(longestPause, firstPause * 2 ** (attempt - 1))
    const timer = setTimeout(() => void keepOpening(ctx, kept, attempt + 1), pause)
    timer.unref()
    retries.set(key, timer)
    if (first) await tell(ctx, kept, error)
  }
}

/** Whether the server before this one could not start it, and nobody has heard that it answers again. */
async function wasToldToFail(ctx: Context, { endpoint, target }: Kept): Promise<boolean> {
  const last = async (type: 'serving.release_not_started' | 'serving.release_started') => {
    const told = await latestEvents(ctx, { type, subject: `model/${endpoint}` })
    return told.find(({ data }) => data['release'] === target.release)?.seq ?? 0
  }
  const failed = await last('serving.release_not_started')
  return failed > 0 && failed > (await last('serving.release_started'))
}

/** Somebody has to hear of it: what answers in its place does so under its own name, but it is not what was released. */
async function tell(ctx: Context, { endpoint, target }: Kept, error?: AppError): Promise<void> {
  const { release, version } = target
  try {
    await transaction(ctx, (ctx) =>
      error
        ? append(ctx, 'serving.release_not_started', `model/${endpoint}`, { release, version, reason: error.message })
        : append(ctx, 'serving.release_started', `model/${endpoint}`, { release, version }),
    )
  } catch (failure) {
    ctx.log.error({ err: failure, endpoint, release }, 'what became of a release could not be written down')
  }
}

export async function stopOpening(ctx: Context): Promise<void> {
  const { opening, retries, stopping } = versionsOf(ctx)
  stopping.abort()
  for (const timer of retries.values()) clearTimeout(timer)
  await Promise.allSettled(opening.values())
}
