import type { Context } from '../../../core/context.ts'
import { day, minute } from '../../../core/duration.ts'
import { type AppError, conflict } from '../../../core/errors.ts'
import { isoOf, millisecondsOf } from '../../../core/tables/tables.ts'
import { transaction } from '../../../core/transaction.ts'
import { type AnswersOfSpec, answersOf } from '../../evaluation/evaluation.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import { type DetectedSignal, evaluateAlertRules } from '../alerts/alerts.ts'
import type { Signal } from '../contract.ts'
import { enqueue } from '../jobs.ts'
import { type BaselineProfile, countOf, isBuiltIn } from '../rules.ts'
import { type Settings, settingsOf } from '../settings.ts'
import * as staleStore from '../stale-store.ts'
import * as store from '../store.ts'
import {
  type Accumulator,
  addRow,
  addToTotals,
  createAccumulator,
  createServiceTotals,
  type ServiceTotals,
} from './accumulator.ts'
import { baselineProfile, residualColumn } from './baseline.ts'
import { judgedOnly, missingOf } from './judged.ts'
import { endOfWindow, openNext } from './open-window.ts'
import { addOutcomes, type OutcomeTotals } from './outcomes.ts'
import {
  signalsFromClasses,
  signalsFromDrift,
  signalsFromEstimate,
  signalsFromLabels,
  signalsFromMissing,
  signalsFromParity,
  signalsFromService,
} from './signals.ts'
import { mergedHours, type Sketches, saveHours } from './sketches.ts'
import { driftOf, summarizeWindow, type Window } from './summary.ts'

export type { Window } from './summary.ts'

/** Drift is judged only for a release with this share of the window: a few days cannot be compared with whole weeks of training. */
const largeShare = 0.9

/** The job after each window, once its labels have had time to arrive. Running it twice has the same result. */
export async function closeWindow(
  ctx: Context,
  job: { model: string; from: string; to?: string },
): Promise<{ requests: number }> {
  const { model, from } = job
  const settings = settingsOf(await registry.requireSpec(ctx, model))
  const to = await endOfWindow(ctx, job, settings)
  if (to === undefined) return { requests: 0 }
  const segments = await serving.segmentsOf(ctx, { endpoint: model, from, to })
  const counted = await countWindow(ctx, { model, from, to, settings })
  await serving.markCounted(ctx, { segments, from, until: to })
  await openNext(ctx, { model, from, to }, settings)
  await planRecount(ctx, { model, to, settings })
  return counted
}

/** Whatever another server wrote down after this window was closed is looked for once more, when it must have written. */
async function planRecount(
  ctx: Context,
  { model, to, settings }: { model: string; to: string; settings: Settings },
): Promise<void> {
  const late = await serving.hasUncounted(ctx, { endpoint: model, before: to })
  if (!late && settings.maturity >= minute) return
  const now = ctx.now().getTime()
  await enqueue(ctx, {
    kind: 'monitoring.recount',
    payload: { model },
    key: `monitoring.recount/${model}/${to}/${now}`,
    runAt: new Date(now + (late ? 0 : minute)),
  })
}

type ClosedWindow = { model: string; from: string; to: string; settings: Settings }

/** Sums a window up, as often as something else changes it meanwhile. Alert rules are evaluated for the newest one alone. */
export async function countWindow(ctx: Context, window: ClosedWindow): Promise<{ requests: number }> {
  for (let attempt = 1; ; attempt++) {
    const counted = await tryCount(ctx, window)
    if (counted) return counted
    if (attempt >= maxAttempts) throw changedMeanwhile(window)
  }
}

export const maxAttempts = 5

export function changedMeanwhile({ model, from }: { model: string; from: string }): AppError {
  return conflict(`The window of ${model} from ${from} is counted by somebody else.`, { name: model })
}

async function tryCount(
  ctx: Context,
  { model, from, to, settings }: ClosedWindow,
): Promise<{ requests: number } | undefined> {
  const stale = await staleStore.staleBetween(ctx, { model, from, to })
  const before = await store.findWindow(ctx, model, from)
  const { service, accumulators, baselines, answers, outcomes } = await countRows(ctx, { model, from, to, settings })
  const own = accumulators.toSorted((a, b) => b.rows - a.rows)[0]
  await saveCountedHours(ctx, { accumulators, baselines })
  if (own) {
    const baseline = baselines.get(own.version)
    const merged = baseline
      ? await mergeUntilEnough(ctx, { model, release: own.release, from, to, baseline, settings })
      : undefined
    const { drift, notJudged } =
      baseline && merged
        ? judgedOnly(baseline, driftOf(baseline, merged.sketches, settings), settings)
        : { drift: [], notJudged: [] }
    const missing = missingOf(own, baseline, settings)
    const window = summarizeWindow({
      model,
      from,
      to,
      own,
      service,
      drift,
      notJudged,
      missing,
      baseline,
      mergedFrom: merged?.from,
      answers,
      outcomes,
    })
    const residuals = merged?.sketches.get(residualColumn)
    const labels = signalsFromLabels({ window, own, baseline, settings, residuals })
    const parity = await signalsFromParity(ctx, model, own)
    const large = own.rows >= service.rows * largeShare
    const signals = [
      ...labels.signals,
      ...(parity ?? []),
      ...signalsFromMissing(window),
      ...signalsFromService(window, settings),
      ...signalsFromClasses(own, settings),
      ...signalsFromEstimate(window, baseline, settings, own.bias.n),
      ...(large ? signalsFromDrift(window) : []),
    ]
    const estimated = typeof baseline?.leastAccuracy !== 'number' || window.estimated !== undefined
    const silent: Signal[] = [
      ...labels.silent,
      ...(parity === undefined ? ['parity' as const] : []),
      ...(estimated ? [] : ['estimate' as const]),
      ...(baseline && !(large && drift.length > 0) ? ['drift' as const] : []),
    ]
    const signalsOfModel = isBuiltIn(model, own) ? [] : signals
    const saved = await transaction(ctx, async (ctx) => {
      if (!isSame(before, await store.findWindow(ctx, model, from))) return false
      const [newer] = await store.windowsAfter(ctx, model, to, 1)
      if (!newer)
        await evaluateAlertRules(
          ctx,
          { model, release: own.release, from, to },
          signalsOfModel,
          settings,
          (signal) => !silent.includes(signal),
        )
      const content = { ...window, found: signalsOfModel.map(nameOf), silent }
      await store.saveWindow(ctx, { model, from_at: from, to_at: to, content })
      await staleStore.removeStale(ctx, stale)
      return true
    })
    return saved ? { requests: service.requests } : undefined
  }
  await transaction(ctx, (ctx) => staleStore.removeStale(ctx, stale))
  return { requests: service.requests }
}

/** Whether nobody has written a window since it was read. */
export function isSame(before: store.WindowRecord | undefined, now: store.WindowRecord | undefined): boolean {
  return JSON.stringify(before) === JSON.stringify(now)
}

export async function saveCountedHours(
  ctx: Context,
  { accumulators, baselines }: Pick<LogCounts, 'accumulators' | 'baselines'>,
): Promise<void> {
  for (const accumulator of accumulators) {
    const baseline = baselines.get(accumulator.version)
    if (!baseline) continue
    const { hours } = accumulator.sketches
    await transaction(ctx, (ctx) =>
      saveHours(ctx, { scope: `release/${accumulator.release}`, reference: baseline.id, hours }),
    )
  }
}

/** The name of a signal in a stored window. */
export function nameOf({ signal, subject }: DetectedSignal): string {
  return `${signal}/${subject}`
}

/** A stored window without what only the alert rules read. */
export function windowOf({ content }: Pick<store.WindowRecord, 'content'>): Window {
  const { found: _, silent: __, ...window } = content
  return window
}

type LogCounts = {
  service: ServiceTotals
  accumulators: Accumulator[]
  baselines: Map<number, BaselineProfile | undefined>
  answers: AnswersOfSpec
  outcomes: OutcomeTotals
}

type CountInput = {
  model: string
  from: string
  to: string
  settings: Settings
  /** Whether a column is counted in sketches. */
  isSketched?: (column: string) => boolean
}

/** Reads the log day by day, so that memory does not grow with the window. */
export async function countRows(
  ctx: Context,
  { model, from, to, settings, isSketched = () => true }: CountInput,
): Promise<LogCounts> {
  const service = createServiceTotals()
  const answers = await answersOf(settings.answers)
  const outcomes: OutcomeTotals = new Map()
  const accumulators = new Map<string, Accumulator>()
  const baselines: LogCounts['baselines'] = new Map()
  for (let start = millisecondsOf(from); start < millisecondsOf(to); start += day) {
    const bounds = {
      from: isoOf(start),
      to: new Date(Math.min(start + day, millisecondsOf(to))).toISOString(),
    }
    const rows = await serving.readLog(ctx, { endpoint: model, ...bounds })
    const predictions = rows.map(({ id }) => id)
    addOutcomes(outcomes, rows, await serving.readOutcomes(ctx, { endpoint: model, predictions, ...bounds }))
    for (const row of rows) {
      if (row.arm === 'shadow') continue
      if (!baselines.has(row.version))
        baselines.set(row.version, await baselineProfile(ctx, model, row.version, settings))
      let accumulator = accumulators.get(row.release)
      if (!accumulator) {
        const bins = [...binsOf(baselines.get(row.version))].filter(([column]) => isSketched(column))
        accumulator = createAccumulator(row.release, row.version, new Map(bins), { from, to })
        accumulators.set(row.release, accumulator)
      }
      addRow(accumulator, row, answers)
      addToTotals(service, row)
    }
  }
  return { service, accumulators: [...accumulators.values()], baselines, answers, outcomes }
}

export function binsOf(baseline: BaselineProfile | undefined) {
  return new Map((baseline?.columns ?? []).map(({ column, sketch }) => [column, sketch.reference]))
}

type MergeInput = {
  model: string
  release: string
  from: string
  to: string
  baseline: BaselineProfile
  settings: Settings
}

const maxMerged = 12

/** The sketches of a window, merged with earlier windows of the same release until there are enough rows. */
export async function mergeUntilEnough(
  ctx: Context,
  { model, release, from, to, baseline, settings }: MergeInput,
): Promise<{ sketches: Sketches; from?: string }> {
  const references = binsOf(baseline)
  const read = (start: string) =>
    mergedHours(ctx, { scope: `release/${release}`, reference: baseline.id, from: start, to, references })
  const own = await read(from)
  if (rowsOf(own) >= settings.minRows) return { sketches: own }
  let merged: { sketches: Sketches; from?: string } = { sketches: own }
  const reach = new Date(millisecondsOf(from) - maxMerged * settings.length).toISOString()
  for (const { from_at: start } of await store.windowsBefore(ctx, model, from, maxMerged)) {
    if (start < reach || rowsOf(merged.sketches) >= settings.minRows) break
    const sketches = await read(start)
    if (rowsOf(sketches) > rowsOf(merged.sketches)) merged = { sketches, from: start }
  }
  return merged
}

function rowsOf(sketches: Sketches): number {
  return Math.max(0, ...[...sketches.values()].map(({ counts }) => countOf(counts)))
}
