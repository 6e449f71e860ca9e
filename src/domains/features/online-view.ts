import { milliseconds } from '../../core/duration.ts'
import { exactJson } from '../../core/json/json.ts'
import { dateOf } from '../../core/tables/tables.ts'
import { type KeyType, keyValue } from './key-types.ts'
import type { AggregateDefinition, View } from './rules.ts'

/** One row of a source, as the online state keeps it. */
type OnlineRow = { time: number; knownAt: number; seq: number; row: Record<string, unknown> }

export type Answer = {
  value: number | string | null
  status: 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE'
  /** Since when the value could be known (epoch milliseconds): the newest of the rows that made it; null without a row. */
  knownAt: number | null
}

/** The same rule as the offline join, over rows in memory. Times are epoch milliseconds. */
export type OnlineView = {
  add(seq: number, row: Record<string, unknown>): void
  answer(feature: string, keys: readonly unknown[], moment: number): Answer
}

/** The columns that identify an entity, with the type as which they are compared. */
export type Keys = { names: string[]; types: ReadonlyMap<string, KeyType> }

export function createOnlineView(view: View, keys: Keys, time: string, knownAt: string | undefined): OnlineView {
  const byKey = new Map<string, OnlineRow[]>()
  const aggregates = new Map((view.aggregates ?? []).map((aggregate) => [aggregate.feature, aggregate]))
  const longest = Math.max(0, ...(view.aggregates ?? []).map(({ window }) => milliseconds(window)))
  const keepsAll = (view.features ?? []).length > 0
  let newestMoment = 0

  function add(seq: number, row: Record<string, unknown>): void {
    const key = keyOf(keys, (name) => row[name])
    const at = dateOf(String(row[time])).getTime()
    if (key === undefined || Number.isNaN(at)) return
    const known = knownAt === undefined ? at : dateOf(String(row[knownAt])).getTime()
    const rows = byKey.get(key) ?? []
    if (rows.length === 0) byKey.set(key, rows)
    rows.splice(firstAfter(rows, at), 0, { time: at, knownAt: known, seq, row })
    if (!keepsAll) forget(rows)
  }

  /** Nobody asks about the past: what no later moment can see is dropped, in bulk. */
  function forget(rows: OnlineRow[]): void {
    const useless = firstAtOrAfter(rows, newestMoment - longest)
    if (useless > 64 && useless > rows.length / 2) rows.splice(0, useless)
  }

  return {
    add,
    answer(feature, values, moment) {
      newestMoment = Math.max(newestMoment, moment)
      const key = keyOf(keys, (_, index) => values[index])
      const rows = key === undefined ? undefined : byKey.get(key)
      const aggregate = aggregates.get(feature)
      if (aggregate) return aggregateOf(aggregate, rows ?? [], moment)
      return latestOf(view, feature, rows ?? [], moment)
    },
  }
}

function aggregateOf({ fn, of, window }: AggregateDefinition, rows: OnlineRow[], moment: number): Answer {
  const values: number[] = []
  let knownAt: number | null = null
  for (let index = firstAtOrAfter(rows, moment - milliseconds(window)); index < rows.length; index++) {
    const kept = rows[index]
    if (!kept || kept.time >= moment) break
    if (kept.knownAt > moment) continue
    const value = of === undefined ? 1 : kept.row[of]
    if (value === null || value === undefined) continue
    values.push(Number(value))
    knownAt = Math.max(knownAt ?? kept.knownAt, kept.knownAt)
  }
  if (fn === 'count') return { value: values.length, status: 'PRESENT', knownAt }
  if (values.length === 0) return { value: null, status: rows.length === 0 ? 'NOT_FOUND' : 'NULL_VALUE', knownAt }
  return { value: reduce(fn, values), status: 'PRESENT', knownAt }
}

function reduce(fn: 'mean' | 'sum' | 'min' | 'max', values: number[]): number {
  if (fn === 'min') return values.reduce((least, value) => Math.min(least, value))
  if (fn === 'max') return values.reduce((most, value) => Math.max(most, value))
  const sum = values.reduce((total, value) => total + value, 0)
  return fn === 'sum' ? sum : sum / values.length
}

function latestOf(view: View, feature: string, rows: OnlineRow[], moment: number): Answer {
  let best: OnlineRow | undefined
  for (let index = firstAfter(rows, moment) - 1; index >= 0; index--) {
    const kept = rows[index]
    if (!kept || (best && kept.time < best.time)) break
    if (kept.knownAt <= moment && (!best || later(kept, best))) best = kept
  }
  if (!best) return { value: null, status: 'NOT_FOUND', knownAt: null }
  const { knownAt } = best
  if (view.ttl !== undefined && best.time < moment - milliseconds(view.ttl))
    return { value: null, status: 'OUTSIDE_MAX_AGE', knownAt }
  const value = best.row[feature]
  if (value === null || value === undefined) return { value: null, status: 'NULL_VALUE', knownAt }
  return {
    value: typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value : String(value),
    status: 'PRESENT',
    knownAt,
  }
}

function later(a: OnlineRow, b: OnlineRow): boolean {
  return a.knownAt !== b.knownAt ? a.knownAt > b.knownAt : a.seq > b.seq
}

/** Keys are compared value by value: ("1", "23") is not ("12", "3"). Null identifies nothing. */
function keyOf({ names, types }: Keys, given: (name: string, index: number) => unknown): string | undefined {
  const values = names.map((name, index) => keyValue(given(name, index), types.get(name)))
  return values.some((value) => value === null || value === undefined) ? undefined : exactJson(values)
}

function firstAtOrAfter(rows: OnlineRow[], time: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((rows[middle]?.time ?? 0) < time) low = middle + 1
    else high = middle
  }
  return low
}

function firstAfter(rows: OnlineRow[], time: number): number {
  return firstAtOrAfter(rows, time + 1)
}
