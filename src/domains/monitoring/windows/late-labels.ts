import type { Context } from '../../../core/context.ts'
import { day, hour } from '../../../core/duration.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import { evaluateAlertRules, labelSignals, signalsOfWindow } from '../alerts/alerts.ts'
import type { WindowsTable } from '../schema.ts'
import { type Settings, settingsOf } from '../settings.ts'
import * as store from '../store.ts'
import { residualColumn } from './baseline.ts'
import { signalsFromLabels } from './signals.ts'
import { hourOf } from './sketches.ts'
import { qualityOf } from './summary.ts'
import { countRows, enoughRows, nameOf, saveCounted, windowOf } from './window.ts'

const minWindows = 12
const minMilliseconds = 31 * day
const maxWindows = 10_000
const maxUntold = 20

/**
 * The job after labels came in: what they say of windows that are closed is computed anew, and nothing else of them.
 * Alerts follow the newest window whose labels can tell. Doing it twice comes to the same.
 */
export async function lookAtLabels(
  ctx: Context,
  { model, ...known }: { model: string; from: string; to: string },
): Promise<{ windows: number }> {
  const { spec } = await registry.getModel(ctx, { model })
  const newest = await store.latestWindow(ctx, model)
  if (!spec || !newest) return { windows: 0 }
  const settings = settingsOf(spec)
  const reach = Math.max(minMilliseconds, minWindows * settings.length)
  const from = new Date(Date.parse(newest.to_at) - reach).toISOString()
  const hours = new Set(
    await serving.labelledHours(ctx, {
      endpoint: model,
      known,
      predicted: { from, to: newest.to_at },
    }),
  )
  const start = new Date(Date.parse(from) - settings.length).toISOString()
  const windows = await store.listWindows(ctx, model, start, newest.to_at, maxWindows)
  const touched = windows.filter((window) => hoursOf(window).some((hour) => hours.has(hour)))
  for (const window of touched) await relook(ctx, window, settings, false)
  const telling = touched.length === 0 ? undefined : await newestTelling(ctx, model)
  if (telling) await relook(ctx, telling, settings, true)
  return { windows: touched.length }
}

function hoursOf({ from_at, to_at }: WindowsTable): string[] {
  const hours: string[] = []
  for (let at = Date.parse(hourOf(from_at)); at < Date.parse(to_at); at += hour) hours.push(new Date(at).toISOString())
  return hours
}

async function newestTelling(ctx: Context, model: string): Promise<WindowsTable | undefined> {
  const newest = await store.windowsBefore(ctx, model, '9999', maxUntold)
  return newest.find((window) => !signalsOfWindow(window).silent.includes('bias'))
}

/** Only what labels say: sketches of inputs, drift, latency and cost stay as they were. */
async function relook(ctx: Context, row: WindowsTable, settings: Settings, alerts: boolean): Promise<void> {
  const { model, from_at: from, to_at: to } = row
  const { release } = windowOf(row)
  const sketched = (column: string) => column === residualColumn
  const { service, tallies, references } = await countRows(ctx, { model, from, to, settings, sketched })
  const own = tallies.find((tally) => tally.release === release)
  if (!own) return
  await saveCounted(ctx, { tallies, references })
  const reference = references.get(own.version)
  const merged = reference ? await enoughRows(ctx, { model, release, from, to, reference, settings }) : undefined
  const quality = { ...qualityOf(own, settings), knownUpTo: service.knownUpTo }
  await transaction(ctx, async (ctx) => {
    const stored = await store.findWindow(ctx, model, from)
    if (!stored) return
    const window = { ...windowOf(stored), ...quality }
    const residuals = merged?.sketches.get(residualColumn)
    const { signals, silent } = signalsFromLabels({ window, own, reference, settings, residuals })
    const told = own.version === 0 ? [] : signals
    const others = signalsOfWindow(stored)
    const isLabelled = (signal: string) => labelSignals.some((one) => signal === one)
    if (alerts) {
      const canTell = (signal: string) => isLabelled(signal) && !silent.some((one) => one === signal)
      await evaluateAlertRules(ctx, { model, release, from, to }, told, settings, canTell)
    }
    const found = [...told.map(nameOf), ...others.found.filter((name) => !isLabelled(name.split('/')[0] ?? ''))]
    await store.saveWindow(ctx, { ...stored, content: JSON.stringify({ ...window, found, silent }) })
  })
}
