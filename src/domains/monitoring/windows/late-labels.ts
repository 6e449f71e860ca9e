import type { Context } from '../../../core/context.ts'
import { transaction } from '../../../core/transaction.ts'
import { evaluateAlertRules, labelSignals, signalsOfWindow } from '../alerts/alerts.ts'
import { isBuiltIn } from '../rules.ts'
import type { Settings } from '../settings.ts'
import * as staleStore from '../stale-store.ts'
import type { WindowRecord } from '../store.ts'
import * as store from '../store.ts'
import { residualColumn } from './baseline.ts'
import { signalsFromLabels } from './signals.ts'
import { qualityOf, reportedOf } from './summary.ts'
import {
  changedMeanwhile,
  countRows,
  isSame,
  maxAttempts,
  mergeUntilEnough,
  nameOf,
  saveCountedHours,
  windowOf,
} from './window.ts'

const maxInconclusive = 20

/** After windows were counted again for labels: alert rules are evaluated for the newest window that has enough of them. */
export async function judgeNewest(ctx: Context, model: string, settings: Settings): Promise<void> {
  const conclusive = await newestConclusive(ctx, model)
  if (conclusive) await recheckWindow(ctx, { row: conclusive, settings, alerts: true })
}

async function newestConclusive(ctx: Context, model: string): Promise<WindowRecord | undefined> {
  const newest = await store.windowsBefore(ctx, model, undefined, maxInconclusive)
  return newest.find((window) => !signalsOfWindow(window).silent.includes('bias'))
}

type Recheck = { row: WindowRecord; settings: Settings; alerts: boolean }

/** Updates what depends on labels; sketches of inputs, drift, latency and cost stay as they were. */
export async function recheckWindow(ctx: Context, given: Recheck): Promise<void> {
  let row: WindowRecord | undefined = given.row
  for (let attempt = 1; row && !(await tryRecheck(ctx, { ...given, row })); attempt++) {
    const { model, from_at: from } = row
    if (attempt >= maxAttempts) throw changedMeanwhile({ model, from })
    row = await store.findWindow(ctx, model, from)
  }
}

/** False where something else changed the window meanwhile. */
async function tryRecheck(ctx: Context, { row, settings, alerts }: Recheck): Promise<boolean> {
  const { model, from_at: from, to_at: to } = row
  const stale = (await staleStore.staleBetween(ctx, { model, from, to })).filter(({ cause }) => cause === 'labels')
  const { release } = windowOf(row)
  const isSketched = (column: string) => column === residualColumn
  const { service, accumulators, baselines, answers, outcomes } = await countRows(ctx, {
    model,
    from,
    to,
    settings,
    isSketched,
  })
  const own = accumulators.find((accumulator) => accumulator.release === release)
  if (!own) {
    await transaction(ctx, (ctx) => staleStore.removeStale(ctx, stale))
    return true
  }
  await saveCountedHours(ctx, { accumulators, baselines })
  const baseline = baselines.get(own.version)
  const merged = baseline ? await mergeUntilEnough(ctx, { model, release, from, to, baseline, settings }) : undefined
  const { labelled, knownUpTo } = service
  const quality = { labelled, ...qualityOf(own, answers), ...reportedOf(outcomes), knownUpTo }
  return transaction(ctx, async (ctx) => {
    const stored = await store.findWindow(ctx, model, from)
    if (!stored || !isSame(row, stored)) return false
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
    await staleStore.removeStale(ctx, stale)
    return true
  })
}
