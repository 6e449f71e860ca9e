import type { Context } from '../../core/context.ts'
import { enqueue } from '../../core/jobs.ts'
import { transaction } from '../../core/transaction.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import { type Finding, settle } from './alerting.ts'
import { describe, driftOf, type Window } from './describe.ts'
import { driftFindings, estimateFindings, labelFindings, parityFindings, serviceFindings } from './findings.ts'
import { referenceOf, residualColumn } from './reference.ts'
import { countOf, type Reference, windowAround } from './rules.ts'
import { type Settings, settingsOf } from './settings.ts'
import { mergedHours, type Sketches, saveHours } from './sketches.ts'
import * as store from './store.ts'
import { addRow, addToService, type Service, serviceOf, type Tally, tallyOf } from './tally.ts'

export type { Window } from './describe.ts'

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
const mostOfIt = 0.9

/** The job at the end of each window, when its labels have come. Doing it twice comes to the same. */
export async function closeWindow(ctx: Context, payload: Record<string, unknown>): Promise<unknown> {
  const model = String(payload['model'])
  const settings = settingsOf(await registry.requireSpec(ctx, model))
  const place = placeOf(model, String(payload['from']), settings)
  const { requests, seen } = await look(ctx, place, settings)
  if (seen) {
    const { window, findings } = seen
    await transaction(ctx, async (ctx) => {
      await settle(ctx, { ...place, release: window.release }, findings, settings)
      await save(ctx, window, foundOf(findings))
    })
  }
  await renewEarlier(ctx, place, settings)
  await planWindow(ctx, model, Date.parse(place.to), settings)
  return { requests }
}

/** Windows before this one that may lack labels still: older ones stay as they are. */
const renewed = 4

/** Quality of the windows before, with the labels that came after they closed. Alerts are about what is new: they stay. */
async function renewEarlier(ctx: Context, { model, from }: Place, settings: Settings): Promise<void> {
  for (const row of await store.windowsBefore(ctx, model, from, renewed)) {
    const before = windowOf(row)
    if (before.labelled >= before.requests) continue
    const moment = new Date(Date.parse(row.to_at) + settings.maturity).toISOString()
    if (!(await serving.labelledAfter(ctx, { endpoint: model, moment }))) continue
    const { seen } = await look(ctx, { model, from: row.from_at, to: row.to_at }, settings)
    if (seen && seen.window.labelled !== before.labelled) await save(ctx, seen.window, foundIn(row))
  }
}

type Place = { model: string; from: string; to: string }

function placeOf(model: string, from: string, { length }: Settings): Place {
  return { model, from, to: new Date(Date.parse(from) + length).toISOString() }
}

type Seen = { window: Window; findings: Finding[] }

/** What a window comes to by what is logged and labelled now; nothing where nobody asked. */
async function look(
  ctx: Context,
  place: Place,
  settings: Settings,
): Promise<{ requests: number; seen: Seen | undefined }> {
  const { model } = place
  const { service, tallies, references } = await countRows(ctx, { ...place, settings })
  const own = tallies.toSorted((a, b) => b.rows - a.rows)[0]
  for (const tally of tallies) {
    const reference = references.get(tally.version)
    if (!reference) continue
    const { hours } = tally.sketches
    await transaction(ctx, (ctx) =>
      saveHours(ctx, { scope: `release/${tally.release}`, reference: reference.id, hours }),
    )
  }
  if (!own) return { requests: service.rows, seen: undefined }
  const reference = references.get(own.version)
  const merged = reference ? await enoughRows(ctx, { ...place, release: own.release, reference, settings }) : undefined
  const drift = reference && merged ? driftOf(reference, merged.sketches, settings) : []
  const window = describe({ ...place, own, service, drift, reference, mergedFrom: merged?.from })
  const residuals = merged?.sketches.get(residualColumn)
  const findings = [
    ...labelFindings({ window, own, reference, settings, residuals }),
    ...(await parityFindings(ctx, model, own)),
    ...serviceFindings(window, settings),
    ...estimateFindings(window, reference, settings),
    ...(own.rows >= service.rows * mostOfIt ? driftFindings(window, reference) : []),
  ]
  return { requests: service.rows, seen: { window, findings: own.version === 0 ? [] : findings } }
}

const foundOf = (findings: Finding[]) => findings.map(({ signal, subject }) => `${signal}/${subject}`)

function save(ctx: Context, window: Window, found: string[]): Promise<void> {
  const { model, from, to } = window
  return store.saveWindow(ctx, { model, from_at: from, to_at: to, content: JSON.stringify({ ...window, found }) })
}

type Stored = Window & { found?: string[] }

/** What a stored window says; what it found is for the rules alone. */
export function windowOf({ content }: { content: string }): Window {
  const { found: _, ...window } = JSON.parse(content) as Stored
  return window
}

function foundIn({ content }: { content: string }): string[] {
  return (JSON.parse(content) as Stored).found ?? []
}

type Counted = { service: Service; tallies: Tally[]; references: Map<number, Reference | undefined> }

const piece = 86_400_000

/** Reads the log a day at a time, so that the memory does not grow with the window. */
async function countRows(
  ctx: Context,
  { model, from, to, settings }: { model: string; from: string; to: string; settings: Settings },
): Promise<Counted> {
  const service = serviceOf()
  const tallies = new Map<string, Tally>()
  const references: Counted['references'] = new Map()
  for (let start = Date.parse(from); start < Date.parse(to); start += piece) {
    const bounds = {
      from: new Date(start).toISOString(),
      to: new Date(Math.min(start + piece, Date.parse(to))).toISOString(),
    }
    for (const row of await serving.readLog(ctx, { endpoint: model, ...bounds })) {
      if (row.arm === 'shadow') continue
      if (!references.has(row.version))
        references.set(row.version, await referenceOf(ctx, model, row.version, settings))
      let tally = tallies.get(row.release)
      if (!tally) {
        tally = tallyOf(row.release, row.version, binsOf(references.get(row.version)))
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

const mostMerged = 12

/** The window's sketches, with earlier windows of the same release until there are enough rows; they always end at `to`. */
async function enoughRows(
  ctx: Context,
  { release, from, to, reference, settings }: Wanted,
): Promise<{ sketches: Sketches; from?: string }> {
  const references = binsOf(reference)
  const read = (start: string) =>
    mergedHours(ctx, { scope: `release/${release}`, reference: reference.id, from: start, to, references })
  const own = await read(from)
  if (rowsOf(own) >= settings.fewest) return { sketches: own }
  for (let back = 1; back <= mostMerged; back++) {
    const start = new Date(Date.parse(from) - back * settings.length).toISOString()
    const sketches = await read(start)
    if (rowsOf(sketches) >= settings.fewest || back === mostMerged) return { sketches, from: start }
  }
  return { sketches: own }
}

function rowsOf(sketches: Sketches): number {
  return Math.max(0, ...[...sketches.values()].map(({ counts }) => countOf(counts)))
}
