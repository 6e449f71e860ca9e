import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testApp, testContext } from '../../../test/support/context.ts'
import type { Context } from '../../core/context.ts'
import * as datasets from '../datasets/datasets.ts'
import * as features from './features.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const minute = 60_000
const iso = (minutes: number) => new Date(start + minutes * minute).toISOString()

const definitions = {
  entities: [{ name: 'route', keys: ['origin', 'destination'] }],
  views: [
    {
      name: 'route_delays',
      entity: 'route',
      source: 'flights',
      aggregates: [
        { feature: 'late_1h', fn: 'mean' as const, of: 'late', window: '1h' },
        { feature: 'flights_3h', fn: 'count' as const, window: '3h' },
        { feature: 'worst_1h', fn: 'max' as const, of: 'delay', window: '1h' },
      ],
    },
    { name: 'route_last', entity: 'route', source: 'flights', features: ['delay'], ttl: '2h' },
  ],
  services: [
    {
      name: 'delays',
      request: [
        { name: 'origin', type: 'string' as const },
        { name: 'destination', type: 'string' as const },
      ],
      features: ['route_delays:late_1h', 'route_delays:flights_3h', 'route_delays:worst_1h', 'route_last:delay'],
    },
  ],
}

async function prepare(ctx: Context): Promise<void> {
  await datasets.applySource(ctx, {
    source: 'flights',
    owner: 'ana@team.example',
    time: 'departs',
    known_at: 'known_at',
  })
  await features.applyFeatures(ctx, definitions)
  await features.warmUp(ctx)
}

type Flight = { origin: string; destination: string; departs: number; latency: number; delay: number }

const row = ({ origin, destination, departs, latency, delay }: Flight) => ({
  origin,
  destination,
  departs: iso(departs),
  known_at: iso(departs + latency),
  delay,
  late: delay > 15 ? 1 : 0,
})

/** The rule in its plainest form: look at every row. */
function bruteForce(flights: Flight[], origin: string, destination: string, moment: number) {
  const known = flights
    .map((flight, seq) => ({ ...flight, seq }))
    .filter(
      (flight) =>
        flight.origin === origin && flight.destination === destination && flight.departs + flight.latency <= moment,
    )
  const within = (minutes: number) => known.filter(({ departs }) => departs < moment && departs >= moment - minutes)
  const hour = within(60)
  const mean = hour.reduce((sum, { delay }) => sum + (delay > 15 ? 1 : 0), 0) / hour.length
  const last = known
    .filter(({ departs }) => departs <= moment && departs >= moment - 120)
    .sort((a, b) => b.departs - a.departs || b.latency - a.latency || b.seq - a.seq)[0]
  return {
    origin,
    destination,
    late_1h: hour.length === 0 ? null : mean,
    flights_3h: within(180).length,
    worst_1h: hour.length === 0 ? null : Math.max(...hour.map(({ delay }) => delay)),
    delay: last?.delay ?? null,
  }
}

const flight = fc.record({
  origin: fc.constantFrom('A', 'AB'),
  destination: fc.constantFrom('B', 'BC', 'C'),
  departs: fc.integer({ min: 0, max: 400 }),
  latency: fc.integer({ min: 0, max: 200 }),
  delay: fc.integer({ min: -20, max: 60 }),
})
const question = fc.record({
  origin: fc.constantFrom('A', 'AB'),
  destination: fc.constantFrom('B', 'BC', 'C'),
  moment: fc.integer({ min: 0, max: 500 }),
})

test('offline and online values equal the plain rule at every moment, with late rows, ties and window edges', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(flight, { minLength: 1, maxLength: 60 }),
      fc.array(question, { minLength: 1, maxLength: 25 }),
      async (flights, questions) => {
        const app = await testApp(t)
        await prepare(app.ctx)
        await datasets.append(app.ctx, { source: 'flights', rows: flights.map(row) })
        const expected = questions.map(({ origin, destination, moment }) =>
          bruteForce(flights, origin, destination, moment),
        )
        const rows = questions.map(({ moment, ...request }) => ({ time: iso(moment), request }))
        const offline = await features.lookupAsOf(app.ctx, { service: 'delays', rows, asOf: 'known' })
        const online = questions.map(
          ({ moment, ...request }) =>
            features.lookupOnline(app.ctx, { service: 'delays', request, at: new Date(iso(moment)) }).values,
        )
        assert.deepEqual(offline, expected)
        assert.deepEqual(online, expected)
        await app.close()
      },
    ),
    { numRuns: 12 },
  )
})

test('a training set is the same bytes when it is made again, also after late rows came', async (t) => {
  const ctx = await testContext(t)
  await prepare(ctx)
  const flights = [0, 20, 40, 90].map(
    (departs): Flight => ({ origin: 'A', destination: 'B', departs, latency: 30, delay: departs }),
  )
  const { lastSeq } = await datasets.append(ctx, { source: 'flights', rows: flights.map(row) })
  const input = { service: 'delays', source: 'flights', from: iso(0), to: iso(1000), label: 'late' }
  const first = await features.createTrainingSet(ctx, input)
  assert.equal((await features.createTrainingSet(ctx, input)).digest, first.digest)
  await datasets.append(ctx, {
    source: 'flights',
    rows: [row({ origin: 'A', destination: 'B', departs: 10, latency: 5, delay: 99 })],
  })
  assert.notEqual((await features.createTrainingSet(ctx, input)).digest, first.digest)
  assert.equal((await features.createTrainingSet(ctx, { ...input, uptoSeq: lastSeq })).digest, first.digest)
  assert.equal(first.rows, 4)
})

test('parity finds a training set that knew rows which serving does not know yet', async (t) => {
  const ctx = await testContext(t)
  await prepare(ctx)
  const flights = Array.from(
    { length: 50 },
    (_, index): Flight => ({
      origin: 'A',
      destination: 'B',
      departs: index * 10,
      latency: 45,
      delay: index % 3 === 0 ? 30 : 0,
    }),
  )
  await datasets.append(ctx, { source: 'flights', rows: flights.map(row) })
  const input = { service: 'delays', source: 'flights', from: iso(0), to: iso(1000), label: 'late' }
  const honest = await features.createTrainingSet(ctx, input)
  const leaky = await features.createTrainingSet(ctx, { ...input, asOf: 'event' })
  const share = async (trainingSet: string) =>
    (await features.parity(ctx, { trainingSet })).features.find(({ feature }) => feature === 'late_1h')?.share
  assert.equal(await share(honest.id), 0)
  assert.ok(Number(await share(leaky.id)) > 0.5)
})

test('names that lead nowhere are refused with the nearest known name', async (t) => {
  const ctx = await testContext(t)
  await datasets.applySource(ctx, { source: 'flights', owner: 'ana@team.example', time: 'departs' })
  const wrong = { ...definitions, services: [{ name: 'delays', features: ['route_delay:late_1h'] }] }
  await assert.rejects(features.applyFeatures(ctx, wrong), (error: { message: string; hint: string }) => {
    assert.match(error.message, /"route_delay"/)
    assert.match(error.hint, /"route_delays"/)
    return true
  })
  assert.deepEqual((await features.listViews(ctx)).items, [])
})
