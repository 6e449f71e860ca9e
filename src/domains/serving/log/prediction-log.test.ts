import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { begin, everything, inputs } from '../../../../test/support/logged.ts'
import { model } from '../../../../test/support/trips.ts'
import * as serving from '../serving.ts'
import { keeps, logRules, mask, redact } from './rules.ts'

const sampled = (share: string, log: Partial<Parameters<typeof keeps>[1]> = {}) => {
  const rules = logRules({ sample: share, uncertain: 0.1 }, 'binary')
  return (id: string) => keeps(rules, { id, output: 0.9, bad: null, fallback: false, rollout: false, ...log })
}

test('the sample is the share that the spec names, chosen by the id alone', () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => `p${index}`)
  const kept = ids.filter((id) => sampled('10%')(id) === 'sampled')
  assert.ok(Math.abs(kept.length / ids.length - 0.1) < 0.01, `${kept.length}`)
  assert.deepEqual(
    kept,
    ids.filter((id) => sampled('10%')(id) === 'sampled'),
  )
  assert.ok(
    kept.every((id) => sampled('30%')(id) === 'sampled'),
    'a larger share holds the smaller one',
  )
})

test('errors, slow and invalid answers, stand-ins, rollouts and uncertain answers are always kept, and flagged', () => {
  const cases = [
    { bad: 'error' },
    { bad: 'slow' },
    { bad: 'invalid' },
    { fallback: true },
    { rollout: true },
    { output: 0.45 },
  ]
  for (const one of cases) assert.equal(sampled('0%', one as Partial<Parameters<typeof keeps>[1]>)('p'), 'forced')
  assert.equal(sampled('0%')('p'), 'no')
  assert.equal(sampled('100%', { bad: 'error' })('p'), 'sampled')
})

test('estimates from the sample are unbiased although every bad answer is kept', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0.02, max: 0.4, noNaN: true }), (seed, rate) => {
      const all = Array.from({ length: 8_000 }, (_, index) => ({
        id: `${seed}-${index}`,
        bad: index < rate * 8_000 ? ('slow' as const) : null,
      }))
      const kept = all.map((one) => ({ ...one, kept: sampled('25%', { bad: one.bad })(one.id) }))
      const read = kept.filter((one) => one.kept === 'sampled')
      const estimate = read.filter(({ bad }) => bad).length / read.length
      const naive = kept.filter((one) => one.kept !== 'no')
      const error = 5 * Math.sqrt((rate * (1 - rate)) / read.length)
      assert.ok(Math.abs(estimate - rate) < error, `${estimate} for ${rate}`)
      assert.ok(naive.filter(({ bad }) => bad).length / naive.length > rate + 0.01)
    }),
    { numRuns: 20 },
  )
})

test('statistics read the sample, and people see what was kept besides', async (t) => {
  const { app, client, ask } = await begin(t, { sample: '0%', uncertain: 0.1 })
  await ask('sure', 0.95)
  await ask('unsure', 0.52)
  await serving.flushLog(app.ctx)
  assert.deepEqual(await serving.readLog(app.ctx, everything), [])
  const { items } = await client.serving.listPredictions({ endpoint: model })
  assert.deepEqual(
    items.map(({ id, forced }) => [id, forced]),
    [['unsure', true]],
  )
})

test('what the spec omits is written nowhere, and addresses, cards, accounts and telephones only as words', async (t) => {
  const { app, client, ask } = await begin(t, { omit: ['wrong'] })
  await ask('one')
  const before = await client.serving.getPrediction({ prediction: 'one' })
  assert.deepEqual(Object.keys(before.inputs).sort(), ['city', 'city_late_1h', 'good'])
  assert.ok(serving.logState(app.ctx).redactions >= 1)
  const cases = {
    'write to ana.lee+x@mail.example.org today': 'write to [email] today',
    'card 4111 1111 1111 1111 ok': 'card [card] ok',
    'card 4111 1111 1111 1112 no card': 'card 4111 1111 1111 1112 no card',
    'to DE89 3704 0044 0532 0130 00 please': 'to [iban] please',
    'call +49 30 1234567 now': 'call [phone] now',
    'order 1234567890, at 2026-01-01T10:00, v1.2.3': 'order 1234567890, at 2026-01-01T10:00, v1.2.3',
  }
  for (const [text, masked] of Object.entries(cases)) assert.equal(mask(text), masked)
})

test('texts of a language model are kept as their length, unless the spec wants them; a unit that names a person is a pseudonym', () => {
  const logged = {
    id: 'p',
    unit: 'ana@mail.example',
    inputs: { question: 'Who am I?' },
    output: 'Ana, ana@mail.example',
  }
  const clean = (content: boolean) => redact(logRules({ content }, 'text'), logged as never, { count: 0 })
  assert.deepEqual([clean(false).inputs, clean(false).output], [{ question: '[9 characters]' }, '[21 characters]'])
  assert.deepEqual([clean(true).inputs, clean(true).output], [{ question: 'Who am I?' }, 'Ana, [email]'])
  assert.match(clean(true).unit, /^unit-[0-9a-f]{16}$/)
  assert.equal(clean(true).unit, clean(false).unit)
})

test('each value is logged with the moment since when it could be known, and the trace of the caller', async (t) => {
  const { app, client, url } = await begin(t)
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  app.ctx.clock.set(new Date('2026-01-01T00:30:00Z'))
  await fetch(`${url}/api/v1/predict/${model}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    body: JSON.stringify({ id: 'one', inputs }),
  })
  const before = await client.serving.getPrediction({ prediction: 'one' })
  await serving.flushLog(app.ctx)
  assert.deepEqual(await client.serving.getPrediction({ prediction: 'one' }), before)
  assert.equal(before.traceId, traceId)
  for (const [name, knownAt] of Object.entries(before.knownAt)) {
    assert.equal(name, 'city_late_1h')
    assert.ok(knownAt <= before.at)
  }
})

test('a label may come before its prediction, for one that nobody knows, and twice: the last one counts', async (t) => {
  const { app, client, ask } = await begin(t)
  app.ctx.clock.set(new Date('2026-01-01T10:00:00Z'))
  await client.serving.label({
    endpoint: model,
    labels: [
      { id: 'early', value: 1 },
      { id: 'nobody', value: 1 },
    ],
  })
  app.ctx.clock.set(new Date('2026-01-01T12:00:00Z'))
  await ask('early')
  const labelled = async () =>
    (await serving.readLog(app.ctx, { ...everything, from: '2026-01-01T11:00:00.000Z' })).map(({ id, label }) => [
      id,
      label,
    ])
  assert.deepEqual(await labelled(), [['early', 1]])
  const again = await client.serving.label({
    endpoint: model,
    labels: [
      { id: 'early', value: 1 },
      { id: 'early', value: 0 },
    ],
  })
  assert.deepEqual(again, { accepted: 2, replaced: 1 })
  assert.deepEqual(await labelled(), [['early', 0]])
  for (const [wrong, why] of [
    [{ id: 'early', value: 7 }, /"early" must be 0 or 1/],
    [{ id: 'early', value: Number.POSITIVE_INFINITY }, /value/],
    [{ id: 'nul\u0000', value: 1 }, /id/],
  ] as const)
    await assert.rejects(client.serving.label({ endpoint: model, labels: [{ id: 'other', value: 1 }, wrong] }), why)
  assert.deepEqual(await labelled(), [['early', 0]])
})

test('a clock that jumps back and forth loses no answer: each is read at the time that the clock said', async (t) => {
  const { app } = await begin(t)
  const times = ['2026-01-05T12:00:00', '2026-01-05T11:00:00', '2026-03-01T00:00:00', '2026-01-05T11:30:00']
  for (const [index, time] of times.entries()) {
    const jumped = { ...app.ctx, now: () => new Date(`${time}Z`) }
    await serving.predict(jumped, { endpoint: model, id: `p${index}`, inputs })
    if (index === 1) await serving.flushLog(app.ctx)
  }
  const ids = async (from: string, to: string) =>
    (await serving.readLog(app.ctx, { ...everything, from, to })).map(({ id }) => id)
  for (const written of [false, true]) {
    if (written) await serving.flushLog(app.ctx)
    assert.deepEqual(await ids('2026-01-01', '2027'), ['p1', 'p3', 'p0', 'p2'])
    assert.deepEqual(await ids('2026-01-05T11:15:00.000Z', '2026-01-05T12:00:00.000Z'), ['p3'])
  }
})
