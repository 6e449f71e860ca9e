// Turns the raw flights into the rows of the source: node src/prepare.ts --data data/flights.csv.gz --out flights.csv
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { formatCsv } from './csv.ts'
import { type Flight, readFlights } from './flights.ts'

const columns = [
  'id',
  'departs',
  'origin',
  'destination',
  'distance',
  'hour',
  'weekday',
  'delay',
  'late',
  'known_at',
] as const satisfies (keyof Flight)[]

const { values } = parseArgs({ options: { data: { type: 'string' }, out: { type: 'string' } } })
if (values.data === undefined || values.out === undefined) {
  process.stderr.write('Usage: node src/prepare.ts --data data/flights.csv.gz --out flights.csv\n')
  process.exit(2)
}
const flights = readFlights(values.data)
writeFileSync(
  values.out,
  formatCsv(
    columns,
    flights.map((flight) => columns.map((column) => flight[column])),
  ),
)
process.stderr.write(`${flights.length} flights written to ${values.out}\n`)
