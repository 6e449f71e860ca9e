import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { parseCsv } from './csv.ts'
import { localDay, readFlights } from './flights.ts'

const file = new URL('../data/flights.csv.gz', import.meta.url)
const flights = readFlights(file)
const minutes = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 60_000

test('every flight keeps its airports, distance and delay, under an id of its own', () => {
  const raw = parseCsv(gunzipSync(readFileSync(file)).toString('utf8'))
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
  assert.equal(flights.length, raw.rows.length)
  assert.equal(new Set(flights.map(({ id }) => id)).size, flights.length)
  assert.equal(sum(flights.map(({ delay }) => delay)), sum(raw.rows.map((row) => Number(row[4]))))
  assert.equal(sum(flights.map(({ distance }) => distance)), sum(raw.rows.map((row) => Number(row[3]))))
})

test('hour, weekday and day are those on the clock of the origin airport, by the time zone database', () => {
  const clocks = { ORD: clock('America/Chicago'), other: clock('America/New_York') }
  for (const flight of flights.filter((_, index) => index % 7 === 0)) {
    const parts = (flight.origin === 'ORD' ? clocks.ORD : clocks.other).formatToParts(new Date(flight.departs))
    const part = (type: string) => parts.find((found) => found.type === type)?.value ?? ''
    assert.equal(flight.hour, Number(part('hour')), flight.id)
    assert.equal(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][flight.weekday - 1], part('weekday'), flight.id)
    const day = Date.UTC(Number(part('year')), Number(part('month')) - 1, Number(part('day'))) / 86_400_000
    assert.equal(localDay(flight), day, flight.id)
  }
})

test('a label is known after departure, by the documented assumption', () => {
  for (const { departs, known_at, distance } of flights) {
    const latency = minutes(departs, known_at)
    assert.ok(latency >= 45 + distance / 7 && latency < 46 + distance / 7)
  }
})

test('flights are in the order of departure, late means more than 15 minutes', () => {
  assert.ok(flights.every(({ departs }, index) => departs >= (flights[index - 1]?.departs ?? '')))
  assert.ok(flights.every(({ delay, late }) => late === (delay > 15 ? 1 : 0)))
  assert.deepEqual(
    flights.find(({ id }) => id === 'LGA-ORD-20010101T1057Z'),
    {
      id: 'LGA-ORD-20010101T1057Z',
      departs: '2001-01-01T10:57:00Z',
      origin: 'LGA',
      destination: 'ORD',
      distance: 733,
      hour: 5,
      weekday: 1,
      delay: -30,
      late: 0,
      known_at: '2001-01-01T13:27:00Z',
    },
  )
})

function clock(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
  })
}
