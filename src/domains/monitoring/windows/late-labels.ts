import type { Context } from '../../../core/context.ts'
import { day } from '../../../core/duration.ts'
import { millisecondsOf } from '../../../core/tables/tables.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import { evaluateAlertRules, labelSignals, signalsOfWindow } from '../alerts/alerts.ts'
import { isBuiltIn } from '../rules.ts'
import { type Settings, settingsOf } from '../settings.ts'
import type { WindowRecord } from '../store.ts'
import * as store from '../store.ts'
import { residualColumn } from './baseline.ts'
import { signalsFromLabels } from './signals.ts'
import { hourOf } from './sketches.ts'
import { qualityOf } from './summary.ts'
import { countRows, mergeUntilEnough, nameOf, saveCountedHours, windowOf } from './window.ts'

const minWindows = 12
const minMilliseconds = 31 * day
const maxWindows = 10_000
const maxInconclusive = 20

/**
 * The job after labels arrived: computes again what closed windows say about quality, and nothing else of them. Alert rules
 * are evaluated for the newest window that has enough labels. Running it twice has the same result.
 */
export async function checkLateLabels(
  ctx: Context,
  { model, ...known }: { model: string; from: string; to: string },
): Promise<{ windows: number }> {
  const { spec } = await registry.getModel(ctx, { model })
  const newest = await store.latestWindow(ctx, model)
  if (!spec || !newest) return { windows: 0 }
  const settings = settingsOf(spec)
  const reach = Math.max(minMilliseconds, minWindows * settings.length)
  const from = new Date(millisecondsOf(newest.to_at) - reach).toISOString()
  const hours = await serving.labelledHours(ctx, {
    endpoint: model,
    known,
    predicted: { from, to: newest.to_at },
  })
  const start = new Date(millisecondsOf(from) - settings.length).toISOString()
  const windows = await store.listWindows(ctx, model, start, newest.to_at, maxWindows)
  const touched = windows.filter((window) => hours.some((hour) => overlaps(window, hour)))
  for (const window of touched) await recheckWindow(ctx, window, settings, false)
  const conclusive = touched.length === 0 ? undefined : await newestConclusive(ctx, model)
  if (conclusive) await recheckWindow(ctx, conclusive, settings, true)
  return { windows: touched.length }
}

/** Whether the window has something of the hour that begins at this time. */
function overlaps({ from_at, to_at }: WindowRecord, at: string): boolean {
  return at < to_at && at >= hourOf(from_at)
}

async function newestConclusive(ctx: Context, model: string): Promise<WindowRecord | undefined> {
  const newest = await store.windowsBefore(ctx, model, undefined, maxInconclusive)
  return newest.find((window) => !signalsOfWindow(window).silent.includes('bias'))
}

/** Updates what depends on labels; sketches of inputs, drift, latency and cost stay as they were. */
async function recheckWindow(ctx: Context, row: WindowRecord, settings: Settings, alerts: boolean): Promise<void> {
  const { model, from_at: from, to_at: to } = row
  const { release } = windowOf(row)
  const isSketched = (column: string) => column === residualColumn
  const { service, accumulators, baselines, answers } = await countRows(ctx, { model, from, to, settings, isSketched })
  const own = accumulators.find((accumulator) => accumulator.release === release)
  if (!own) return
  await saveCountedHours(ctx, { accumulators, baselines })
  const baseline = baselines.get(own.version)
  const merged = baseline ? await mergeUntilEnough(ctx, { model, release, from, to, baseline, settings }) : undefined
  const { labelled, knownUpTo } = service
  const quality = { labelled, ...qualityOf(own, answers), knownUpTo }
  await transaction(ctx, async (ctx) => {
    const stored = await store.findWindow(ctx, model, from)
    if (!stored) return
    const window = { ...windowOf(stored), ...quality }
    const residuals = merged?.sketches.get(residualColumn)
    const { signals, silent } = signalsFromLabels({ window, own, baseline, settings, residuals })
    const signalsOfModel = isBuiltIn(model, own) ? [] : signals
    const others = signalsOfWindow(stored)
    const isLabelled = (signal: string) => labelSignals.some((one) => signal === one)
    if (alerts) {
      const canTell = (signal: string) => isLabelled(signal) && !silent.some((one) => one === signal)
      await evaluateAlertRules(ctx, { model, release, from, to }, signalsOfModel, settings, canTell)
    }
    const unjudged = [...silent, ...others.silent.filter((signal) => !isLabelled(signal))]
    const found = [
      ...signalsOfModel.map(nameOf),
      ...others.found.filter((name) => !isLabelled(name.split('/')[0] ?? '')),
    ]
    await store.saveWindow(ctx, { ...stored, content: { ...window, found, silent: unjudged } })
  })
}
