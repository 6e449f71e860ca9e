import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalFrom } from '../../src/core/stats/close-to.fixture.ts'
import { normalQuantile } from '../../src/core/stats/distributions.ts'
import { pairedNonInferiority } from '../../src/core/stats/paired-difference.ts'
import { tangoTest } from '../../src/core/stats/paired-proportions.ts'
import { createRandom } from '../../src/core/stats/random.ts'
import { ascending } from '../../src/core/stats/summary.ts'
import { inFull, noiseOf, trials } from '../support/trials.ts'

type Counts = { candidateOnly: number; baselineOnly: number; n: number }
type Method = (counts: Counts, margin: number, random: () => number) => boolean

const tango: Method = (counts, margin) => tangoTest({ ...counts, margin }).pass

/** The textbook interval: the difference and its normal standard error. */
const wald: Method = ({ candidateOnly: b, baselineOnly: c, n }, margin) => {
  const error = Math.sqrt(b + c - (b - c) ** 2 / n) / n
  return (b - c) / n - normalQuantile(0.95) * error > -margin
}

/** The one that most tools offer: resample items, take the fifth percentile of the difference. */
const percentile: Method = ({ candidateOnly: b, baselineOnly: c, n }, margin, random) => {
  const draws = Array.from({ length: 600 }, () => {
    let difference = 0
    for (let item = 0; item < n; item++) {
      const picked = random() * n
      difference += picked < b ? 1 : picked < b + c ? -1 : 0
    }
    return difference / n
  })
  return (ascending(draws)[30] ?? Number.NaN) > -margin
}

/** How often a candidate that is worse by exactly the margin passes, in percent; 5 is what is promised. */
function passesAtMargin(
  method: Method,
  setting: { n: number; margin: number; discordance: number },
  count: number,
): number {
  const { n, margin, discordance } = setting
  const random = createRandom(4)
  const chance = createRandom(5)
  const loses = (discordance + margin) / 2
  let passes = 0
  for (let trial = 0; trial < count; trial++) {
    let [candidateOnly, baselineOnly] = [0, 0]
    for (let item = 0; item < n; item++) {
      const draw = random()
      if (draw < loses) baselineOnly += 1
      else if (draw < discordance) candidateOnly += 1
    }
    passes += Number(method({ candidateOnly, baselineOnly, n }, margin, chance))
  }
  return (100 * passes) / count
}

/** Settings with what two common methods do there, in percent. */
const settings = [
  { n: 30, margin: 0.02, discordance: 0.02, wald: 55, percentile: 55 },
  { n: 50, margin: 0.05, discordance: 0.1, wald: 8.8, percentile: 8.2 },
  { n: 100, margin: 0.05, discordance: 0.05, wald: 11.6, percentile: 7.3 },
]

for (const setting of settings) {
  const { n, margin, discordance } = setting
  const count = trials(5_000)
  const noise = 100 * noiseOf(0.05, count)
  test(`with ${n} items, margin ${margin} and discordance ${discordance}, Tango keeps its five percent`, () => {
    const kept = passesAtMargin(tango, setting, count)
    assert.ok(kept <= 5 + noise, `Tango ${kept} %`)
  })
  if (inFull)
    test(`with ${n} items, margin ${margin} and discordance ${discordance}, common methods do not keep it`, () => {
      const [textbook, bootstrap] = [passesAtMargin(wald, setting, count), passesAtMargin(percentile, setting, 1500)]
      assert.ok(textbook > 5 + noise && Math.abs(textbook - setting.wald) < 3, `Wald ${textbook} %`)
      assert.ok(bootstrap > 5 + noise && Math.abs(bootstrap - setting.percentile) < 3, `percentile ${bootstrap} %`)
    })
}

test('items of one user taken as independent pass far too often; resampled by user they keep the level', () => {
  const random = createRandom(8)
  const normal = normalFrom(random)
  const [count, users, each, margin] = [inFull ? 300 : 100, 30, 6, 0.5]
  const clusters = Array.from({ length: users * each }, (_, index) => `u${index % users}`)
  let [apart, together] = [0, 0]
  for (let trial = 0; trial < count; trial++) {
    const own = Array.from({ length: users }, normal)
    const differences = clusters.map((_, index) => -margin + (own[index % users] ?? 0) + 0.3 * normal())
    apart += Number(pairedNonInferiority({ differences, margin }).verdict === 'pass')
    together += Number(pairedNonInferiority({ differences, margin, clusters }).verdict === 'pass')
  }
  assert.ok(together / count <= 0.05 + noiseOf(0.05, count), `${together} of ${count}`)
  assert.ok(apart / count > 0.15, `${apart} of ${count}`)
})
