import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readFlights } from './flights.ts'
import { drawGolden, goldenCsv } from './make-golden.ts'

const flights = readFlights(new URL('../data/flights.csv.gz', import.meta.url))
const golden = drawGolden(flights)
const march = flights.filter(({ departs }) => departs.startsWith('2001-03'))

test('the golden file is what the script draws', () => {
  assert.equal(goldenCsv(flights), readFileSync(new URL('../golden/flights.csv', import.meta.url), 'utf8'))
})

test('the golden set is 400 different flights of March, in the order of departure, whatever the order they came in', () => {
  assert.equal(new Set(golden.map(({ id }) => id)).size, 400)
  assert.ok(golden.every(({ departs }) => departs.startsWith('2001-03')))
  assert.ok(golden.every(({ departs }, index) => departs >= (golden[index - 1]?.departs ?? '')))
  assert.deepEqual(drawGolden(flights.toReversed()), golden)
})

test('late flights and times of day have the share in the golden set that they have in March', () => {
  const share = (of: typeof flights, holds: (flight: (typeof flights)[number]) => boolean) =>
    of.filter(holds).length / of.length
  assert.ok(Math.abs(share(golden, ({ late }) => late === 1) - share(march, ({ late }) => late === 1)) <= 1 / 400)
  for (let block = 0; block < 8; block += 1) {
    const inBlock = ({ hour }: { hour: number }) => Math.floor(hour / 3) === block
    assert.ok(Math.abs(share(golden, inBlock) - share(march, inBlock)) <= 2 / 400)
  }
})
