// Draws the golden set: node src/make-golden.ts --data data/flights.csv.gz --out golden/flights.csv
//
// March is held out: it lies after the training data and before the first release. The flights are sorted by outcome, time of
// day and day, cut into 400 blocks, and one is drawn from each: so the set has March's share of late flights, busy hours and
// bad days. The draw is by hash, no model has a say in it, and it is the same every time.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { formatCsv } from './csv.ts'
import { type Flight, localDay, readFlights } from './flights.ts'

const seed = 'flights-golden'
const size = 400
const from = '2001-03-01T00:00:00Z'
const to = '2001-04-01T00:00:00Z'
const columns = ['id', 'departs', 'origin', 'destination', 'distance', 'hour', 'weekday', 'late'] as const

export function drawGolden(flights: readonly Flight[]): Flight[] {
  const population = flights.filter(({ departs }) => departs >= from && departs < to).sort(byStratum)
  const drawn = Array.from({ length: size }, (_, block) => {
    const start = Math.floor((block * population.length) / size)
    const end = Math.floor(((block + 1) * population.length) / size)
    return population.slice(start, end).reduce((a, b) => (lot(b) < lot(a) ? b : a))
  })
  return drawn.sort((a, b) => compare(a.departs, b.departs) || compare(a.id, b.id))
}

export function goldenCsv(flights: readonly Flight[]): string {
  return formatCsv(
    columns,
    drawGolden(flights).map((flight) => columns.map((column) => flight[column])),
  )
}

function byStratum(a: Flight, b: Flight): number {
  return (
    a.late - b.late ||
    Math.floor(a.hour / 3) - Math.floor(b.hour / 3) ||
    localDay(a) - localDay(b) ||
    compare(a.id, b.id)
  )
}

function lot({ id }: Flight): string {
  return createHash('sha256').update(`${seed}:${id}`).digest('hex')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { data: { type: 'string' }, out: { type: 'string' } } })
  if (values.data === undefined || values.out === undefined) {
    process.stderr.write('Usage: node src/make-golden.ts --data data/flights.csv.gz --out golden/flights.csv\n')
    process.exitCode = 2
  } else writeFileSync(values.out, goldenCsv(readFlights(values.data)))
}
