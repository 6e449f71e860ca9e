import type { Context } from '../../../core/context.ts'
import { day } from '../../../core/duration.ts'
import { isoOf, millisecondsOf } from '../../../core/tables/tables.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import { type DetectedSignal, evaluateAlertRules } from '../alerts/alerts.ts'
import { enqueue } from '../jobs.ts'
import { type BaselineProfile, countOf, isBuiltIn, windowAround } from '../rules.ts'
import { type Settings, settingsOf } from '../settings.ts'
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
import {
  signalsFromClasses,
  signalsFromDrift,
  signalsFromEstimate,
  signalsFromLabels,
  signalsFromParity,
  signalsFromService,
} from './signals.ts'
import { mergedHours, type Sketches, saveHours } from './sketches.ts'
import { driftOf, summarizeWindow, type Window } from './summary.ts'

export type { Window } from './summary.ts'

/** Schedules the closing of the window that is open now; each one schedules the next. */
export async function watch(ctx: Context, { model }: { model: string }): Promise<void> {
  const { spec } = await registry.getModel(ctx, { model })
  if (!spec) return
  const settings = settingsOf(spec)
  await scheduleWindow(ctx, model, windowAround(ctx.now().getTime(), settings.anchor, settings.length).from, settings)
}

/** No more windows than these are computed anew for one batch of old predictions. */
const mostWindows = 1_000
/** Batches of one minute are looked at together. */
const minute = 60_000

/** Predictions of [from, to], written down `at`. */
type Recorded = { model: string; from: string; to: string; at: string }

/** Windows that hold predictions of elsewhere: those that are open close in their time, those that are closed are computed again. */
export async function watchRecorded(ctx: Context, { model, from, to, at: recorded }: Recorded): Promise<void> {
  const settings = settingsOf(await registry.requireSpec(ctx, model))
  const first = windowAround(millisecondsOf(from), settings.anchor, settings.length).from
  await scheduleWindow(ctx, model, first, settings)
  const now = ctx.now().getTime()
  for (let at = first, count = 0; at <= millisecondsOf(to) && count < mostWindows; at += settings.length, count++) {
    if (at + settings.length + settings.maturity > now) break
    const start = isoOf(at)
    const slot = Math.floor(millisecondsOf(recorded) / minute) * minute
    await enqueue(ctx, {
      kind: 'monitoring.window',
      payload: { model, from: start },
      key: `monitoring.window/${model}/${start}/${slot}`,
      runAt: new Date(slot + minute),
    })
  }
}

async function scheduleWindow(ctx: Context, model: string, from: number, settings: Settings): Promise<void> {
  const start = isoOf(from)
  const runAt = new Date(from + settings.length + settings.maturity)
  await enqueue(ctx, {
    kind: 'monitoring.window',
    payload: { model, from: start },
    key: `monitoring.window/${model}/${start}`,
    runAt,
  })
}

/** Drift is judged only for a release with this share of the window: a few days cannot be compared with whole weeks of training. */
const largeShare = 0.9

/** The job after each window, once its labels have had time to arrive. Running it twice has the same result. */
export async function closeWindow(
  ctx: Context,
  { model, from }: { model: string; from: string },
): Promise<{ requests: number }> {
  const settings = settingsOf(await registry.requireSpec(ctx, model))
  const to = new Date(millisecondsOf(from) + settings.length).toISOString()
  const { service, accumulators, baselines } = await countRows(ctx, { model, from, to, settings })
  const own = accumulators.toSorted((a, b) => b.rows - a.rows)[0]
  await saveCountedHours(ctx, { accumulators, baselines })
  if (own) {
    const baseline = baselines.get(own.version)
    const merged = baseline
      ? await mergeUntilEnough(ctx, { model, release: own.release, from, to, baseline, settings })
      : undefined
    const drift = baseline && merged ? driftOf(baseline, merged.sketches, settings) : []
    const window = summarizeWindow({
      model,
      from,
      to,
      own,
      service,
      drift,
      baseline,
      mergedFrom: merged?.from,
      settings,
    })
    const residuals = merged?.sketches.get(residualColumn)
    const labels = signalsFromLabels({ window, own, baseline, settings, residuals })
    const signals = [
      ...labels.signals,
      ...(await signalsFromParity(ctx, model, own)),
      ...signalsFromService(window, settings),
      ...signalsFromClasses(own, settings),
      ...signalsFromEstimate(window, baseline, settings),
      ...(own.rows >= service.rows * largeShare ? signalsFromDrift(window, baseline) : []),
    ]
    const signalsOfModel = isBuiltIn(model, own) ? [] : signals
    await transaction(ctx, async (ctx) => {
      const { silent } = labels
      await evaluateAlertRules(
        ctx,
        { model, release: own.release, from, to },
        signalsOfModel,
        settings,
        (signal) => !silent.includes(signal),
      )
      const content = { ...window, found: signalsOfModel.map(nameOf), silent }
      await store.saveWindow(ctx, { model, from_at: from, to_at: to, content })
    })
  }
  await scheduleWindow(ctx, model, millisecondsOf(to), settings)
  return { requests: service.rows }
}

export async function saveCountedHours(
  ctx: Context,
  { accumulators, baselines }: Omit<LogCounts, 'service'>,
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
  const accumulators = new Map<string, Accumulator>()
  const baselines: LogCounts['baselines'] = new Map()
  for (let start = millisecondsOf(from); start < millisecondsOf(to); start += day) {
    const bounds = {
      from: isoOf(start),
      to: new Date(Math.min(start + day, millisecondsOf(to))).toISOString(),
    }
    for (const row of await serving.readLog(ctx, { endpoint: model, ...bounds })) {
      if (row.arm === 'shadow') continue
      if (!baselines.has(row.version))
        baselines.set(row.version, await baselineProfile(ctx, model, row.version, settings))
      let accumulator = accumulators.get(row.release)
      if (!accumulator) {
        const bins = [...binsOf(baselines.get(row.version))].filter(([column]) => isSketched(column))
        accumulator = createAccumulator(row.release, row.version, new Map(bins))
        accumulators.set(row.release, accumulator)
      }
      addRow(accumulator, row)
      addToTotals(service, row)
    }
  }
  return { service, accumulators: [...accumulators.values()], baselines }
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
  { release, from, to, baseline, settings }: MergeInput,
): Promise<{ sketches: Sketches; from?: string }> {
  const references = binsOf(baseline)
  const read = (start: string) =>
    mergedHours(ctx, { scope: `release/${release}`, reference: baseline.id, from: start, to, references })
  const own = await read(from)
  if (rowsOf(own) >= settings.minRows) return { sketches: own }
  for (let back = 1; back <= maxMerged; back++) {
    const start = new Date(millisecondsOf(from) - back * settings.length).toISOString()
    const sketches = await read(start)
    if (rowsOf(sketches) >= settings.minRows || back === maxMerged) return { sketches, from: start }
  }
  return { sketches: own }
}

function rowsOf(sketches: Sketches): number {
  return Math.max(0, ...[...sketches.values()].map(({ counts }) => countOf(counts)))
}
