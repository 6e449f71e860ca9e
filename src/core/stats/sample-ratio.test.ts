import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeTo } from './close-to.fixture.ts'
import { chiSquareSurvival } from './distributions.ts'
import { createRandom } from './random.ts'
import { sampleRatio } from './sample-ratio.ts'

test('arms that got their shares are healthy, arms that did not are not', () => {
  assert.deepEqual(sampleRatio([500, 500], [0.5, 0.5]), { p: 1, healthy: true, tested: true })
  const uneven = sampleRatio([100, 200], [0.5, 0.5])
  closeTo(uneven.p, chiSquareSurvival(100 / 3, 1))
  assert.equal(uneven.healthy, false)
})

test('three arms have two degrees of freedom', () => {
  closeTo(sampleRatio([30, 45, 25], [0.25, 0.5, 0.25]).p, chiSquareSurvival(1 + 0.5 + 0, 2))
})

test('fewer than eight expected units in an arm are not tested', () => {
  assert.deepEqual(sampleRatio([0, 79], [0.1, 0.9]), { p: 1, healthy: true, tested: false })
  assert.equal(sampleRatio([0, 80], [0.1, 0.9]).tested, true)
})

test('random assignment is called unhealthy about once in a thousand', () => {
  const random = createRandom(31)
  let unhealthy = 0
  for (let trial = 0; trial < 2_000; trial++) {
    let canary = 0
    for (let unit = 0; unit < 300; unit++) canary += Number(random() < 0.1)
    if (!sampleRatio([canary, 300 - canary], [0.1, 0.9]).healthy) unhealthy += 1
  }
  assert.ok(unhealthy <= 10, `${unhealthy} of 2000`)
})
