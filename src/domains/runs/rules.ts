import { conflict, invalidInput } from '../../core/errors.ts'

/** A number in a form that both databases can store and sort. */
export function toStored(value: number): { value: number; special: string } {
  if (Number.isNaN(value)) return { value: 0, special: 'nan' }
  if (value === Number.POSITIVE_INFINITY) return { value: Number.MAX_VALUE, special: 'inf' }
  if (value === Number.NEGATIVE_INFINITY) return { value: -Number.MAX_VALUE, special: '-inf' }
  return { value, special: '' }
}

export function fromStored({ value, special }: { value: number; special: string }): number {
  if (special === 'nan') return Number.NaN
  if (special === 'inf') return Number.POSITIVE_INFINITY
  return special === '-inf' ? Number.NEGATIVE_INFINITY : value
}

/** JSON has no word for NaN and the infinities. */
export function toJsonNumber(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** The time of epoch milliseconds; beyond the range of dates, the last possible one. */
export function toTime(milliseconds: number): string {
  return new Date(Math.min(Math.max(milliseconds, -8.64e15), 8.64e15)).toISOString()
}

/** A param of a run is written once: the same value again is accepted, another value is refused. */
export function checkParam(key: string, stored: string | undefined, given: string): void {
  if (stored === undefined || stored === given) return
  throw invalidInput(`The param "${key}" of this run is "${stored}" and cannot become "${given}".`, { name: key })
}

export function checkActive(kind: string, id: string, deleted: boolean): void {
  if (deleted) throw conflict(`${kind} "${id}" is deleted.`, { name: id, hint: 'Restore it first.' })
}

type Point = { run: number; key: string; step: number; at: number; value: number }

/** The latest of each metric: the greatest step, then time, then value. */
export function latestOf<P extends Point>(points: readonly P[]): P[] {
  const latest = new Map<string, P>()
  for (const point of points) {
    const name = `${point.run} ${point.key}`
    const known = latest.get(name)
    if (!known || isLater(point, known)) latest.set(name, point)
  }
  return [...latest.values()]
}

function isLater(a: Point, b: Point): boolean {
  return (a.step - b.step || a.at - b.at || a.value - b.value) > 0
}

/** A name for a run that nobody named: easy to say, hard to confuse. */
export function inventName(random: () => number): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)] ?? ''
  return `${pick(manners)}-${pick(ships)}-${Math.floor(random() * 1000)}`
}

const manners =
  'amber brave calm clear eager even fair firm fleet gentle keen level lucid merry noble quiet sound steady swift true'.split(
    ' ',
  )
const ships =
  'barque brig caravel catboat clipper cog corvette cutter dhow dinghy dory galleon junk ketch lugger pinnace schooner skiff sloop yawl'.split(
    ' ',
  )
