import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { extractFlights, gzip } from '../scripts/extract-flights.ts'

const file = new URL('../examples/flights/data/flights.csv.gz', import.meta.url)
const readme = new URL('../examples/flights/data/README.md', import.meta.url)

test('the shipped flights are what the script extracts from vega-datasets, and the digest in the README is theirs', async () => {
  const shipped = sha256(gunzipSync(readFileSync(file)).toString('utf8'))
  assert.equal(sha256(await extractFlights()), shipped)
  assert.equal(/sha256 `([0-9a-f]{64})`/.exec(readFileSync(readme, 'utf8'))?.[1], shipped)
})

test('gzipping the same text gives the same bytes, without time or machine in the header', () => {
  const bytes = gzip('departs\n')
  assert.deepEqual(bytes, gzip('departs\n'))
  assert.deepEqual([...bytes.subarray(4, 10)], [0, 0, 0, 0, 2, 255])
})

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
