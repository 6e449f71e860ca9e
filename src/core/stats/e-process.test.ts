import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { closeTo } from './close-to.fixture.ts'
import {
  type EProcess,
  evidence,
  evidenceNeeded,
  floorEvidence,
  harmProcess,
  notWorseProcess,
  observe,
} from './e-process.ts'
import { createRandom } from './random.ts'

type Event = { canary: boolean; share: number }

function afterAll(start: EProcess, events: readonly Event[]): EProcess {
  return events.reduce(observe, start)
}

test('the published events give the published evidence after 10, 20 and 30', () => {
  const events = Array.from({ length: 30 }, (_, i) => ({ canary: (7 * i) % 10 < 4, share: 0.1 }))
  const after = (count: number) => evidence(afterAll(harmProcess(1), events.slice(0, count)))
  closeTo(after(10), 12.414259725402)
  closeTo(after(20), 201.737238402315)
  closeTo(after(30), 3696.61958824213)
  closeTo(after(11), 49.1161, 1e-6)
  assert.ok(Array.from({ length: 10 }, (_, i) => after(i + 1)).every((value) => value < 20))
})

test('before any event the evidence is one', () => {
  assert.equal(evidence(harmProcess()), 1)
  assert.equal(evidence(notWorseProcess()), 1)
})

test('the expected evidence after one more event, when the null hypothesis is true, is the evidence before', () => {
  const share = fc.double({ min: 0.01, max: 0.99, noNaN: true })
  const history = fc.array(fc.record({ canary: fc.boolean(), share }), { maxLength: 30 })
  const ratio = fc.double({ min: 0.5, max: 3, noNaN: true })
  fc.assert(
    fc.property(history, share, ratio, (events, next, rho) => {
      for (const start of [harmProcess(rho), notWorseProcess(rho)]) {
        const before = afterAll(start, events)
        const chance = (next * rho) / (next * rho + 1 - next)
        const bad = evidence(observe(before, { canary: true, share: next }))
        const other = evidence(observe(before, { canary: false, share: next }))
        closeTo(chance * bad + (1 - chance) * other, evidence(before), 1e-10)
      }
    }),
  )
})

test('evidence does not depend on the order of events', () => {
  const event = fc.record({ canary: fc.boolean(), share: fc.constantFrom(0.05, 0.25, 0.5) })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const forwards = evidence(afterAll(harmProcess(), events))
      closeTo(evidence(afterAll(harmProcess(), events.toReversed())), forwards, 1e-10)
    }),
  )
})

test('state survives being stored as JSON, and is not changed by observing', () => {
  const state = afterAll(harmProcess(1.2), [{ canary: true, share: 0.1 }])
  const copy = structuredClone(state)
  const restored: EProcess = JSON.parse(JSON.stringify(state))
  const next = { canary: true, share: 0.25 }
  assert.equal(evidence(observe(restored, next)), evidence(observe(state, next)))
  assert.deepEqual(state, copy)
})

test('events while one side had all the traffic say nothing; an impossible share is refused', () => {
  const state = afterAll(harmProcess(), [{ canary: true, share: 0.1 }])
  assert.deepEqual(observe(state, { canary: true, share: 1 }), state)
  assert.deepEqual(observe(state, { canary: false, share: 0 }), state)
  for (const share of [-0.1, 1.1, Number.NaN]) {
    assert.throws(() => observe(state, { canary: true, share }), RangeError)
  }
})

test('overwhelming evidence stays a number that JSON can hold', () => {
  const events = Array.from({ length: 2_000 }, () => ({ canary: true, share: 0.01 }))
  assert.equal(evidence(afterAll(harmProcess(), events)), Number.MAX_VALUE)
})

test('looking after every bad event, harmless rollouts are rolled back at most one in twenty times, also on a ramp', () => {
  const random = createRandom(11)
  const rollouts = 1_000
  let rolledBack = 0
  for (let rollout = 0; rollout < rollouts; rollout++) {
    let state = harmProcess()
    for (let event = 0; event < 300; event++) {
      const share = event < 100 ? 0.05 : event < 200 ? 0.25 : 0.5
      state = observe(state, { canary: random() < share, share })
      if (evidence(state) < evidenceNeeded(1)) continue
      rolledBack += 1
      break
    }
  }
  assert.ok(rolledBack / rollouts <= 0.05 + 3 * Math.sqrt((0.05 * 0.95) / rollouts), `${rolledBack} of ${rollouts}`)
})

test('a threefold bad rate at a share of a tenth is found within 200 bad events nearly always', () => {
  const random = createRandom(12)
  const chance = 0.3 / (0.3 + 0.9)
  let found = 0
  for (let rollout = 0; rollout < 200; rollout++) {
    let state = harmProcess()
    for (let event = 0; event < 200; event++) {
      state = observe(state, { canary: random() < chance, share: 0.1 })
      if (evidence(state) < evidenceNeeded(1)) continue
      found += 1
      break
    }
  }
  assert.ok(found >= 190, `${found} of 200`)
})

test('equal bad rates are proven not worse than twice after about 55 events in the median, a doubled rate almost never', () => {
  const random = createRandom(5)
  const proofs = (canaryChance: number) =>
    Array.from({ length: 300 }, () => {
      let state = notWorseProcess(2)
      for (let event = 1; event <= 500; event++) {
        state = observe(state, { canary: random() < canaryChance, share: 0.5 })
        if (evidence(state) >= evidenceNeeded(1)) return event
      }
      return Number.POSITIVE_INFINITY
    }).sort((a, b) => a - b)
  const median = proofs(0.5)[150] ?? 0
  assert.ok(median >= 45 && median <= 65, `${median} events`)
  const falseProofs = proofs(2 / 3).filter(Number.isFinite).length
  assert.ok(falseProofs / 300 <= 0.05 + 3 * Math.sqrt((0.05 * 0.95) / 300), `${falseProofs} of 300`)
})

test('no bad answer in enough requests proves a rate below the floor; few requests, or many bad ones, do not', () => {
  assert.equal(floorEvidence({ requests: 0, bad: 0, floor: 0.05 }), 1)
  assert.ok(floorEvidence({ requests: 30, bad: 0, floor: 0.05 }) < 20)
  assert.ok(floorEvidence({ requests: 120, bad: 0, floor: 0.05 }) > 20)
  assert.ok(floorEvidence({ requests: 120, bad: 12, floor: 0.05 }) < 1)
})

test('the expected floor evidence after one more request, at the floor itself, is the evidence before', () => {
  fc.assert(
    fc.property(fc.nat(500), fc.nat(60), fc.double({ min: 0.001, max: 0.5, noNaN: true }), (good, bad, floor) => {
      const requests = good + bad
      const another = floorEvidence({ requests: requests + 1, bad: bad + 1, floor })
      const clean = floorEvidence({ requests: requests + 1, bad, floor })
      closeTo(floor * another + (1 - floor) * clean, floorEvidence({ requests, bad, floor }), 1e-9)
    }),
  )
})

test('looking after every request, a rate at the floor is proven below it at most one in twenty times', () => {
  const random = createRandom(21)
  let proven = 0
  for (let service = 0; service < 400; service++) {
    let bad = 0
    for (let requests = 1; requests <= 400; requests++) {
      bad += Number(random() < 0.05)
      if (requests % 5 > 0 || floorEvidence({ requests, bad, floor: 0.05 }) < evidenceNeeded(1)) continue
      proven += 1
      break
    }
  }
  assert.ok(proven / 400 <= 0.05 + 3 * Math.sqrt((0.05 * 0.95) / 400), `${proven} of 400`)
})

test('impossible counts and floors are refused', () => {
  assert.throws(() => floorEvidence({ requests: 10, bad: 11, floor: 0.05 }), RangeError)
  assert.throws(() => floorEvidence({ requests: 10, bad: Number.NaN, floor: 0.05 }), RangeError)
  assert.throws(() => floorEvidence({ requests: 10, bad: 1, floor: 0 }), RangeError)
})
