import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '../../src/core/stats/random.ts'
import { inFull, noiseOf, trials } from '../support/trials.ts'
import { argo, eProcess, flagger, live, naiveZ, type Rule, type World } from './canary-rules.fixture.ts'

const runs = trials(1_000)
const alpha = 0.05
const noise = noiseOf(alpha, runs)

const world = (given: Partial<World>): World => ({
  requests: 20_000,
  lookEvery: 200,
  share: () => 0.1,
  base: () => 0.01,
  ratio: 1,
  ...given,
})

function simulate(rules: Record<string, Rule>, given: World, seed: number, repeats = runs) {
  const random = createRandom(seed)
  const delays = Object.fromEntries(Object.keys(rules).map((name): [string, number[]] => [name, []]))
  for (let run = 0; run < repeats; run++) {
    const looks = live(given, random)
    for (const [name, rule] of Object.entries(rules)) {
      const at = rule(looks, given)
      if (at !== undefined) delays[name]?.push(at)
    }
  }
  return Object.fromEntries(
    Object.entries(delays).map(([name, found]) => {
      found.sort((a, b) => a - b)
      return [name, { rate: found.length / repeats, median: found[Math.floor(found.length / 2)] ?? Number.NaN }]
    }),
  )
}

for (const share of [0.1, 0.5]) {
  test(`a harmless canary at ${share} of the traffic is rolled back with at most alpha, looked at after every event`, () => {
    const found = simulate({ eProcess }, world({ share: () => share }), 1)
    assert.ok((found['eProcess']?.rate ?? 1) <= alpha + noise, JSON.stringify(found))
  })
}

test('neither a base rate that swings nor a ramp that grows costs false rollbacks', () => {
  const swinging = world({
    base: (request) => 0.01 + 0.04 * Math.max(0, Math.sin(request / 900)),
    share: (request) => (request < 4_000 ? 0.05 : request < 9_000 ? 0.25 : 0.5),
  })
  const found = simulate({ eProcess }, swinging, 2)
  assert.ok((found['eProcess']?.rate ?? 1) <= alpha + noise, JSON.stringify(found))
})

// A claim about other tools, which no change of ours can break.
if (inFull)
  test('the rules in use elsewhere roll harmless canaries back, most of them for certain', () => {
    for (const share of [0.1, 0.5]) {
      const found = simulate({ naiveZ, flagger, argo }, world({ share: () => share }), 3, 150)
      assert.ok((found['naiveZ']?.rate ?? 0) > 0.2, JSON.stringify(found))
      assert.ok((found['flagger']?.rate ?? 0) > 0.95, JSON.stringify(found))
      assert.ok((found['argo']?.rate ?? 0) > 0.95, JSON.stringify(found))
    }
  })

/** Medians of the specification's own simulation: requests of both arms until harm is found. */
const published = [
  { share: 0.1, ratio: 3, base: 0.01, median: 2_786 },
  { share: 0.1, ratio: 5, base: 0.01, median: 902 },
  { share: 0.5, ratio: 3, base: 0.01, median: 1_016 },
  { share: 0.5, ratio: 5, base: 0.01, median: 370 },
  { share: 0.1, ratio: 10, base: 0.001, median: 2_873 },
]

for (const { share, ratio, base, median } of published) {
  test(`harm of ${ratio} times ${base} at ${share} of the traffic is found after about ${median} requests`, () => {
    const given = world({ share: () => share, base: () => base, ratio })
    const found = simulate({ eProcess }, given, 4, 200)['eProcess']
    assert.ok(found && found.rate >= 0.98, JSON.stringify(found))
    assert.ok(Math.abs(found.median / median - 1) < 0.25, JSON.stringify(found))
  })
}
