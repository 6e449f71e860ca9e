// Extracts flights-4 from the vega-datasets package: every flight among ORD, ATL, LGA and BOS, January to June 2001.
//
// The file keeps the data as they are: `departs` is the actual departure on the clock of the origin airport, `delay` the
// arrival delay in minutes. When a delay became known is not in the data. examples/flights/src/prepare.ts derives it as
// departure + 45 min + distance / 7 min, a taxi-and-flight time; whoever copies this should use the real arrival instead.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'

const root = fileURLToPath(new URL('..', import.meta.url))
const parquet = join(root, 'node_modules/vega-datasets/data/flights-3m.parquet')
const target = join(root, 'examples/flights/data/flights.csv.gz')
const columns = ['departs', 'origin', 'destination', 'distance', 'delay']

/** The delay is part of the order because some flights share minute and route. */
const query = `
  select strftime(date, '%Y-%m-%dT%H:%M') departs, origin, destination, distance, delay
  from read_parquet($path)
  where origin in ('ORD', 'ATL', 'LGA', 'BOS') and destination in ('ORD', 'ATL', 'LGA', 'BOS')
  order by date, origin, destination, delay`

export async function extractFlights(): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const result = await connection.runAndReadAll(query, { path: parquet })
    return [columns, ...result.getRowsJS()].map((row) => `${row.join(',')}\n`).join('')
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** The same bytes on every machine: no time stamp, and 255 (unknown) as the operating system. */
export function gzip(text: string): Buffer {
  const bytes = gzipSync(text, { level: 9 })
  bytes.writeUInt32LE(0, 4)
  bytes.writeUInt8(255, 9)
  return bytes
}

if (import.meta.main) {
  const bytes = gzip(await extractFlights())
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, bytes)
  process.stdout.write(`${target}: ${bytes.length} bytes\n`)
}
