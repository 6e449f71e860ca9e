import type { Context } from '../../../core/context.ts'
import { day } from '../../../core/duration.ts'
import { transaction } from '../../../core/transaction.ts'
import * as registry from '../../registry/registry.ts'
import * as serving from '../../serving/serving.ts'
import { type DetectedSignal, evaluateAlertRules, type WindowSignals } from '../alerts/alerts.ts'
import { enqueue } from '../jobs.ts'
import { countOf, type Reference, windowAround } from '../rules.ts'
import { type Settings, settingsOf } from '../settings.ts'
import * as store from '../store.ts'
import { addRow, addToService, type Service, serviceOf, type Tally, tallyOf } from './accumulator.ts'
import { referenceOf, residualColumn } from './baseline.ts'
import {
  signalsFromDrift,
  signalsFromEstimate,
  signalsFromLabels,
  signalsFromParity,
  signalsFromService,
} from './signals.ts'
import { mergedHours, type Sketches, saveHours } from './sketches.ts'
import { describe, driftOf, type Window } from './summary.ts'

export type { Window } from './summary.ts'

/** Plans the window that is open now; each one plans the next. */
export async function watch(ctx: Context, { model }: { model: string }): Promise<void> {
  const { spec } = await registry.getModel(ctx, { model })
  if (!spec) return
  const settings = settingsOf(spec)
  await planWindow(ctx, model, windowAround(ctx.now().getTime(), settings.anchor, settings.length).from, settings)
}

async function planWindow(ctx: Context, model: string, from: number, settings: Settings): Promise<void> {
  const start = new Date(from).toISOString()
  const runAt = new Date(from + settings.length + settings.maturity)
  await enqueue(ctx, {
    kind: 'monitoring.window',
    payload: { model, from: start },
    key: `monitoring.window/${model}/${start}`,
    runAt,
  })
}

/** A release that answered only some days of a window cannot be compared with whole weeks of training. */
const largeShare = 0.9

/** The job at the end of each window, when its labels have come. Doing it twice comes to the same. */
export async function closeWindow(
  ctx: Context,
  { model, from }: { model: string; from: string },
): Promise<{ requests: number }> {
  const settings = settingsOf(await registry.requireSpec(ctx, model))
  const to = new Date(Date.parse(from) + settings.length).toISOString()
  const { service, tallies, references } = await countRows(ctx, { model, from, to, settings })
  const own = tallies.toSorted((a, b) => b.rows - a.rows)[0]
  await saveCounted(ctx, { tallies, references })
  if (own) {
    const reference = references.get(own.version)
    const merged = reference
      ? await enoughRows(ctx, { model, release: own.release, from, to, reference, settings })
      : undefined
    const drift = reference && merged ? driftOf(reference, merged.sketches, settings) : []
    const window = describe({ model, from, to, own, service, drift, reference, mergedFrom: merged?.from, settings })
    const residuals = merged?.sketches.get(residualColumn)
    const labels = signalsFromLabels({ window, own, reference, settings, residuals })
    const signals = [
      ...labels.signals,
      ...(await signalsFromParity(ctx, model, own)),
      ...signalsFromService(window, settings),
      ...signalsFromEstimate(window, reference, settings),
      ...(own.rows >= service.rows * largeShare ? signalsFromDrift(window, reference) : []),
    ]
    const told = own.version === 0 ? [] : signals
    await transaction(ctx, async (ctx) => {
      const { silent } = labels
      await evaluateAlertRules(
        ctx,
        { model, release: own.release, from, to },
        told,
        settings,
        (signal) => !silent.includes(signal),
      )
      const content = JSON.stringify({ ...window, found: told.map(nameOf), silent })
      await store.saveWindow(ctx, { model, from_at: from, to_at: to, content })
    })
  }
  await planWindow(ctx, model, Date.parse(to), settings)
  return { requests: service.rows }
}

export async function saveCounted(ctx: Context, { tallies, references }: Omit<Counted, 'service'>): Promise<void> {
  for (const tally of tallies) {
    const reference = references.get(tally.version)
    if (!reference) continue
    const { hours } = tally.sketches
    await transaction(ctx, (ctx) =>
      saveHours(ctx, { scope: `release/${tally.release}`, reference: reference.id, hours }),
    )
  }
}

/** What a stored window found is named by signal and subject. */
export function nameOf({ signal, subject }: DetectedSignal): string {
  return `${signal}/${subject}`
}

/** What a stored window says; what it found is for the rules alone. */
export function windowOf({ content }: { content: string }): Window {
  const { found: _, silent: __, ...window } = JSON.parse(content) as Window & Partial<WindowSignals>
  return window
}

type Counted = { service: Service; tallies: Tally[]; references: Map<number, Reference | undefined> }

type Rows = {
  model: string
  from: string
  to: string
  settings: Settings
  /** Of which columns sketches are made. */
  sketched?: (column: string) => boolean
}

/** Reads the log a day at a time, so that the memory does not grow with the window. */
export async function countRows(
  ctx: Context,
  { model, from, to, settings, sketched = () => true }: Rows,
): Promise<Counted> {
  const service = serviceOf()
  const tallies = new Map<string, Tally>()
  const references: Counted['references'] = new Map()
  for (let start = Date.parse(from); start < Date.parse(to); start += day) {
    const bounds = {
      from: new Date(start).toISOString(),
      to: new Date(Math.min(start + day, Date.parse(to))).toISOString(),
    }
    for (const row of await serving.readLog(ctx, { endpoint: model, ...bounds })) {
      if (row.arm === 'shadow') continue
      if (!references.has(row.version))
        references.set(row.version, await referenceOf(ctx, model, row.version, settings))
      let tally = tallies.get(row.release)
      if (!tally) {
        const bins = [...binsOf(references.get(row.version))].filter(([column]) => sketched(column))
        tally = tallyOf(row.release, row.version, new Map(bins))
        tallies.set(row.release, tally)
      }
      addRow(tally, row)
      addToService(service, row)
    }
  }
  return { service, tallies: [...tallies.values()], references }
}

export function binsOf(reference: Reference | undefined) {
  return new Map((reference?.columns ?? []).map(({ column, sketch }) => [column, sketch.reference]))
}

type Wanted = { model: string; release: string; from: string; to: string; reference: Reference; settings: Settings }

const maxMerged = 12

/** The window's sketches, with earlier windows of the same release until there are enough rows; they always end at `to`. */
export async function enoughRows(
  ctx: Context,
  { release, from, to, reference, settings }: Wanted,
): Promise<{ sketches: Sketches; from?: string }> {
  const references = binsOf(reference)
  const read = (start: string) =>
    mergedHours(ctx, { scope: `release/${release}`, reference: reference.id, from: start, to, references })
  const own = await read(from)
  if (rowsOf(own) >= settings.fewest) return { sketches: own }
  for (let back = 1; back <= maxMerged; back++) {
    const start = new Date(Date.parse(from) - back * settings.length).toISOString()
    const sketches = await read(start)
    if (rowsOf(sketches) >= settings.fewest || back === maxMerged) return { sketches, from: start }
  }
  return { sketches: own }
}

function rowsOf(sketches: Sketches): number {
  return Math.max(0, ...[...sketches.values()].map(({ counts }) => countOf(counts)))
}
