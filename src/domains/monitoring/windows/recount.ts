import type { Context } from '../../../core/context.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import { enqueue } from '../jobs.ts'
import type { StaleWindowsTable } from '../schema.ts'
import { type Settings, settingsOf } from '../settings.ts'
import * as staleStore from '../stale-store.ts'
import * as store from '../store.ts'
import { judgeNewest, recheckWindow } from './late-labels.ts'
import { closedWindowAt } from './open-window.ts'
import { countWindow } from './window.ts'

/** In one run of the job; what is left is for the next. */
const windowsOfRun = 20
const looksOfRun = 20

/** The job after labels arrived, however old their predictions are: closed windows say again what is known of their quality. */
export async function checkLateLabels(ctx: Context, look: serving.LabelLook): Promise<{ windows: number }> {
  const { model } = look
  const settings = await watchedSettings(ctx, model)
  if (!settings) return { windows: 0 }
  const { minutes, rest } = await serving.labelledMinutes(ctx, look)
  const times = await closedTimes(ctx, { model, minutes, settings })
  await transaction(ctx, async (ctx) => {
    await markStale(ctx, { model, times, cause: 'labels' })
    if (rest) await serving.planRest(ctx, rest)
  })
  if (times.length > 0) await recount(ctx, { model })
  return { windows: times.length }
}

/**
 * The job after predictions were written down late, or after labels: closed windows are again what the log says of their time.
 * It counts so many windows and leaves the others to the next run; running it twice has the same result.
 */
export async function recount(ctx: Context, { model }: { model: string }): Promise<{ windows: number }> {
  const settings = await watchedSettings(ctx, model)
  if (!settings) return { windows: 0 }
  await markLateRows(ctx, model, settings)
  const stale = await staleStore.listStale(ctx, model, windowsOfRun + 1)
  const chosen = stale.slice(0, windowsOfRun)
  const failures: unknown[] = []
  for (const one of chosen) {
    try {
      await countAgain(ctx, one, settings)
    } catch (error) {
      // Others do not wait for one that cannot be counted.
      failures.push(error)
    }
  }
  if (chosen.some(({ cause }) => cause === 'labels')) await judgeNewest(ctx, model, settings)
  if (failures.length > 0) throw failures[0]
  if (stale.length > chosen.length) await enqueue(ctx, { kind: 'monitoring.recount', payload: { model } })
  return { windows: chosen.length }
}

/** Undefined for what nobody watches. */
async function watchedSettings(ctx: Context, model: string): Promise<Settings | undefined> {
  const spec = await registry.currentSpec(ctx, model)
  return spec && (await store.findOpenWindow(ctx, model)) ? settingsOf(spec) : undefined
}

async function countAgain(ctx: Context, stale: StaleWindowsTable, settings: Settings): Promise<void> {
  const { model, at, cause } = stale
  const window = await closedWindowAt(ctx, { model, at, settings })
  if (!window) return staleStore.removeStale(ctx, [stale])
  const row = await store.findWindow(ctx, model, window.from)
  if (row && cause === 'labels') await recheckWindow(ctx, { row, settings, alerts: false })
  else await countWindow(ctx, { model, ...window, settings })
}

/** From rows that nobody counted to the windows that they belong to. */
async function markLateRows(ctx: Context, model: string, settings: Settings): Promise<void> {
  for (let look = 0; look < looksOfRun; look++) {
    const open = await store.findOpenWindow(ctx, model)
    if (!open) return
    const until = open.from_at
    const { minutes, segments } = await serving.uncounted(ctx, { endpoint: model, before: until })
    if (segments.length === 0) return
    const times = await closedTimes(ctx, { model, minutes, settings })
    await transaction(ctx, async (ctx) => {
      await markStale(ctx, { model, times, cause: 'rows' })
      await serving.markCounted(ctx, { segments, until })
    })
  }
  await enqueue(ctx, { kind: 'monitoring.recount', payload: { model } })
}

/** One time of each closed window that minutes lie in. */
async function closedTimes(
  ctx: Context,
  { model, minutes, settings }: { model: string; minutes: readonly serving.Minute[]; settings: Settings },
): Promise<string[]> {
  const times: string[] = []
  let window: { from: string; to: string } | undefined
  for (const at of minutes.flatMap(({ first, last }) => [first, last])) {
    if (window && at >= window.from && at < window.to) continue
    window = await closedWindowAt(ctx, { model, at, settings })
    if (window) times.push(window.from)
  }
  return [...new Set(times)]
}

async function markStale(
  ctx: Context,
  { model, times, cause }: { model: string; times: readonly string[]; cause: StaleWindowsTable['cause'] },
): Promise<void> {
  await staleStore.markStale(
    ctx,
    times.map((at) => ({ model, at, cause, mark: ctx.id('stale') })),
  )
}
