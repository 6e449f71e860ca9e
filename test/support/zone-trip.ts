import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as datasets from '../../src/domains/datasets/datasets.ts'
import * as features from '../../src/domains/features/features.ts'
import { testServer } from './context.ts'
import { temporaryFolder } from './folder.ts'
import { keel } from './keel.ts'
import { establish, model, register } from './trips.ts'

/** Every way to write the same two instants, around a bound at 2026-03-01T00:00Z. */
const written = [
  '2026-02-28 23:30:00',
  '2026-02-28T23:30:00',
  '2026-02-28T23:30',
  '2026-02-28 23:30',
  '2026-02-28T23:30:00Z',
  '2026-03-01T00:30:00+01:00',
  '2026-03-01T00:30:00+0100',
  '2026-03-01 00:30:00',
  '2026-03-01',
]

/** Run in a zone: lives through every door that takes a time, and writes what it found as JSON to KEEL_ZONE_OUT. */
test('a trip through the doors of time', async (t) => {
  const { app, client, url } = await testServer(t)
  const { ctx } = app
  await establish(ctx)
  await register(ctx, 'city_late_1h')
  await datasets.applySource(ctx, { source: 'e', owner: 'ana@team.example', time: 'at' })
  const cwd = temporaryFolder(t)
  writeFileSync(join(cwd, 'keel.yaml'), 'project: zones\n')
  writeFileSync(join(cwd, 'e.csv'), `id,at\n${written.map((at, index) => `${index},${at}`).join('\n')}\n`)
  writeFileSync(
    join(cwd, 'rows.csv'),
    'city,good,wrong,at\nBonn,0.5,0.5,2025-01-01 02:00\nBonn,0.5,0.5,2025-01-01T02:00Z\n',
  )
  const zone = { TZ: process.env['KEEL_CLIENT_TZ'] ?? 'UTC' }
  const said = async (...args: string[]) => {
    const { code, stdout, stderr } = await keel([...args, '--server', url], { cwd, environment: zone })
    return code === 0 ? stdout.trim() : `${code}: ${stderr.trim()}`
  }
  const found = {
    pushed: await said('data', 'push', 'e', 'e.csv', '--until', '2026-03-01'),
    appended: (await client.datasets.append({ source: 'e', rows: written.map((at, id) => ({ id, at })) })).appended,
    bounds: await client.datasets.getSource({ source: 'e' }).then(({ firstTime, lastTime }) => [firstTime, lastTime]),
    predicted: await said('predict', `${model}@1`, '--input', 'rows.csv', '--output', 'out.jsonl', '--time', 'at'),
    live: await client.delivery.liveAt({ model, at: '2026-03-01T01:30:00' }).then(({ at }) => at),
    liveByCommand: await said('live', model, '--at', '2026-03-01 01:30', '--json'),
    dayFirst: await said('live', model, '--at', '03/04/2026'),
    silence: await client.monitoring
      .silence({ model, to: '2027-03-01T01:30:00', reason: 'a test' })
      .then(({ to }) => to),
    silenceDayFirst: await said('alerts', 'silence', model, '--until', '03/04/2027', '--reason', 'a test'),
    set: await features
      .createTrainingSet(ctx, {
        service: 'trip',
        source: 'trips',
        from: '2025-01-01T01:00:00',
        to: '2025-01-01T02:00:00',
        label: 'late',
      })
      .then(({ rows, from, to }) => ({ rows, from, to })),
    asOf: await features.lookupAsOf(ctx, {
      service: 'trip',
      rows: [{ time: '2025-01-01T02:00:00.000Z', request: { city: 'Bonn', good: 0.5, wrong: 0.5 } }],
      asOf: 'known',
    }),
    answers: await client.serving.predictBatch({
      model,
      version: 1,
      rows: [
        { city: 'Bonn', good: 0.5, wrong: 0.5 },
        { city: 'Bonn', good: 0.5, wrong: 0.5 },
      ],
      times: ['2025-01-01 02:00', '01/02/2025'],
    }),
  }
  writeFileSync(process.env['KEEL_ZONE_OUT'] ?? '', JSON.stringify(found))
})
