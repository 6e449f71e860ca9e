import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { train } from '../examples/flights/src/fit.ts'
import { type Flight, readFlights } from '../examples/flights/src/flights.ts'
import { predict } from '../examples/flights/src/logistic-model.ts'
import { drawGolden } from '../examples/flights/src/make-golden.ts'
import { auc, logLoss } from '../examples/flights/src/metrics.ts'
import { extractFlights, gzip } from '../scripts/extract-flights.ts'
import * as expected from './support/flights-expected.ts'

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

test('the static model of the example scores as computed apart, on its training data, the golden set and every week', () => {
  const { from, to, rows, labelMean, fitted } = expected.trainingSet
  const flights = readFlights(file)
  const within = (start: string, end: string) =>
    flights.filter(({ departs }) => Date.parse(departs) >= Date.parse(start) && Date.parse(departs) < Date.parse(end))
  const training = within(from, to)
  const { model, metrics } = train(
    { rows: training, labels: training.map(({ late }) => late) },
    {
      features: ['hour', 'weekday', 'distance', 'origin', 'destination'],
      categorical: ['hour', 'weekday', 'origin', 'destination'],
      l2: 1,
    },
  )
  const score = (of: readonly Flight[]) => {
    const labels = of.map(({ late }) => late)
    const probabilities = of.map((flight) => predict(model, flight))
    return {
      auc: auc(labels, probabilities),
      logLoss: logLoss(labels, probabilities),
      bias: mean(probabilities) - mean(labels),
    }
  }
  assert.equal(metrics.n, rows)
  close({ labelMean: metrics.positive_rate }, { labelMean })
  close(score(training), fitted.v1)
  close(score(drawGolden(flights)), expected.golden.v1)
  for (const week of expected.weeks) {
    const of = within(week.from, new Date(Date.parse(week.from) + 7 * 86_400_000).toISOString())
    assert.equal(of.length, week.n)
    close({ late: mean(of.map(({ late }) => late)), ...score(of) }, { late: week.late, ...week.v1 })
  }
})

function close<T extends Record<string, number>>(found: T, wanted: Record<keyof T, number>): void {
  for (const [name, value] of Object.entries(wanted)) {
    assert.ok(Math.abs((found[name] ?? Number.NaN) - value) <= expected.tolerance.metric, `${name} ${found[name]}`)
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
