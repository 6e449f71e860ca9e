import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { parseCsv } from './csv.ts'

/** One flight as the source `flights` holds it; how each field is derived is in data/README.md. */
export type Flight = {
  id: string
  departs: string
  origin: string
  destination: string
  distance: number
  hour: number
  weekday: number
  delay: number
  late: 0 | 1
  known_at: string
}

type Raw = { local: number; departs: number; origin: string; destination: string; distance: number; delay: number }

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const standardHoursBehindUtc: Record<string, number> = { ATL: 5, BOS: 5, LGA: 5, ORD: 6 }
const daylightSavingFrom = Date.parse('2001-04-01T02:00Z')

/** Reads the flights in the order of their departure. */
export function readFlights(path: string | URL): Flight[] {
  const { header, rows } = parseCsv(gunzipSync(readFileSync(path)).toString('utf8'))
  const raw = rows.map((row) => toRaw(Object.fromEntries(header.map((name, column) => [name, row[column] ?? '']))))
  raw.sort(
    (a, b) =>
      a.departs - b.departs ||
      compare(a.origin, b.origin) ||
      compare(a.destination, b.destination) ||
      a.delay - b.delay,
  )
  const seen = new Map<string, number>()
  return raw.map((flight) => {
    const name = nameOf(flight)
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return describe(flight, count === 1 ? name : `${name}-${count}`)
  })
}

function toRaw(row: Record<string, string>): Raw {
  const { departs = '', origin = '', destination = '' } = row
  const local = Date.parse(`${departs}Z`)
  const standard = standardHoursBehindUtc[origin]
  if (standard === undefined || Number.isNaN(local)) throw new Error(`Not a flight: ${JSON.stringify(row)}`)
  const behind = local >= daylightSavingFrom ? standard - 1 : standard
  return {
    local,
    departs: local + behind * hour,
    origin,
    destination,
    distance: Number(row['distance']),
    delay: Number(row['delay']),
  }
}

function describe({ local, departs, origin, destination, distance, delay }: Raw, id: string): Flight {
  const clock = new Date(local)
  return {
    id,
    departs: instant(departs),
    origin,
    destination,
    distance,
    hour: clock.getUTCHours(),
    weekday: clock.getUTCDay() || 7,
    delay,
    late: delay > 15 ? 1 : 0,
    known_at: instant(departs + Math.ceil(45 + distance / 7) * minute),
  }
}

/** The day on the clock of the origin airport, counted from 1970. */
export function localDay({ departs, hour: localHour }: Pick<Flight, 'departs' | 'hour'>): number {
  const utc = Date.parse(departs)
  const behind = (new Date(utc).getUTCHours() - localHour + 24) % 24
  return Math.floor((utc - behind * hour) / day)
}

function nameOf({ origin, destination, departs }: Raw): string {
  return `${origin}-${destination}-${instant(departs).replaceAll(/[-:]/g, '').replace('00Z', 'Z')}`
}

function instant(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
