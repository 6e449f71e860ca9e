import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { studentTQuantile } from '../../src/core/stats/distributions.ts'
import { proportionInterval, wilsonInterval } from '../../src/core/stats/intervals.ts'
import { fitLogistic } from '../../src/core/stats/logistic.ts'
import { metricsOf } from '../../src/core/stats/metrics.ts'
import { clusteredMean } from '../../src/core/stats/paired-difference.ts'
import { mcNemar } from '../../src/core/stats/paired-proportions.ts'
import { createRandom } from '../../src/core/stats/random.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const version = process.env['MLFLOW_VERSION'] ?? '3.11.1'

/** Relative; for the fitted weights absolute, because two solvers stop at different places. */
const tolerance = 1e-9
const weightTolerance = 1e-4

type Numbers = Record<string, number | null | (number | null)[]>
type Case = { kind: string; given: Record<string, unknown>; ours: Numbers }

function pythonWithScikit(): string | undefined {
  const candidates = [join(root, '.cache', `mlflow-${version}`, 'bin', 'python'), 'python3']
  return candidates.find(
    (python) =>
      (python === 'python3' || existsSync(python)) &&
      spawnSync(python, ['-c', 'import sklearn, scipy'], { stdio: 'ignore' }).status === 0,
  )
}

const random = createRandom(20_010_103)
const integer = (below: number) => Math.floor(random() * below)
const list = <T>(n: number, one: (index: number) => T): T[] => Array.from({ length: n }, (_, index) => one(index))

function metricCase(kind: keyof typeof metricsOf, labels: number[], scores: number[], untied = true): Case {
  const { log_loss: _, ...classes } = metricsOf.multiclass
  const metrics = kind === 'multiclass' ? classes : metricsOf[kind]
  const ours = Object.fromEntries(Object.entries(metrics).map(([name, { value }]) => [name, value(labels, scores)]))
  return { kind, given: { labels, scores, untied }, ours }
}

function randomCases(): Case[] {
  const n = 20 + integer(200)
  const coarse = random() < 0.5
  const chance = () => (coarse ? (1 + integer(9)) / 10 : 0.001 + 0.998 * random())
  const relevances = list(3 + integer(20), () => integer(4))
  relevances[0] = 1
  return [
    metricCase('binary', [0, 1, ...list(n, () => integer(2))], [0.4, 0.6, ...list(n, chance)]),
    metricCase('multiclass', [0, 1, ...list(n, () => integer(5))], [1, 1, ...list(n, () => integer(6))]),
    metricCase(
      'regression',
      list(n, () => 1 + 10 * random()),
      list(n, () => 10 * random()),
    ),
    metricCase(
      'ranking',
      relevances,
      relevances.map((_, index) => (coarse ? integer(4) : index * 0.001 + random())),
      !coarse,
    ),
    intervalCase(n),
    logisticCase(),
  ]
}

function intervalCase(n: number): Case {
  const successes = integer(n + 1)
  const differences = list(n, () => random() - 0.4)
  const [b, c] = [1 + integer(30), integer(30)]
  const exact = proportionInterval(successes, n)
  const wilson = wilsonInterval(successes, n)
  const { mean, error, freedom } = clusteredMean(differences)
  const half = studentTQuantile(0.95, freedom) * error
  return {
    kind: 'interval',
    given: { successes, n, differences, b, c },
    ours: {
      exact: [exact.lower, exact.upper],
      wilson: [wilson.lower, wilson.upper],
      t: [mean - half, mean + half],
      mcnemar: mcNemar(b, c).exact,
    },
  }
}

function logisticCase(): Case {
  const rows = list(150, () => [random() - 0.5, random() - 0.5, integer(2)])
  const labels = rows.map(([x = 0, y = 0]) => Number(random() < 1 / (1 + Math.exp(-2 * x + y))))
  const weights = fitLogistic(
    rows.map((row) => Float64Array.of(1, ...row)),
    labels,
    1,
  )
  return { kind: 'logistic', given: { rows, labels, l2: 1 }, ours: { weights: [...weights] } }
}

/** What scikit-learn does not have. */
const notThere = new Set(['calibration_error'])

function agree(ours: unknown, theirs: unknown, within: number): boolean {
  if (Array.isArray(ours) && Array.isArray(theirs)) return ours.every((one, index) => agree(one, theirs[index], within))
  if (typeof ours !== 'number' || typeof theirs !== 'number') return false
  return Math.abs(ours - theirs) <= within * Math.max(1, Math.abs(theirs))
}

const python = pythonWithScikit()
if (python === undefined) {
  process.stdout.write(
    'skipped: no Python with scikit-learn and SciPy here; "npm run interop:mlflow" makes one\n0 passed, 0 failed\n',
  )
} else {
  const cases = list(100, randomCases).flat()
  const asked = spawnSync(python, [join(root, 'test', 'interop', 'second-opinion.py')], {
    input: cases.map(({ kind, given }) => `${JSON.stringify({ kind, ...given })}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['pipe', 'pipe', process.env['KEEL_VERBOSE'] ? 'inherit' : 'ignore'],
  })
  const answers = asked.stdout.trim().split('\n')
  const tally = new Map<string, { passed: number; failed: number; example: string }>()
  cases.forEach(({ kind, ours }, index) => {
    const theirs = JSON.parse(answers[index] ?? '{}') as Numbers
    for (const name of Object.keys(ours).filter((one) => !notThere.has(one) && theirs[one] !== null)) {
      const entry = tally.get(`${kind} ${name}`) ?? { passed: 0, failed: 0, example: '' }
      const ok =
        theirs[name] !== undefined && agree(ours[name], theirs[name], kind === 'logistic' ? weightTolerance : tolerance)
      entry[ok ? 'passed' : 'failed'] += 1
      if (!ok) entry.example = `${JSON.stringify(ours[name])}, not ${JSON.stringify(theirs[name])}`
      tally.set(`${kind} ${name}`, entry)
    }
  })
  for (const [name, { passed, failed, example }] of tally) {
    process.stdout.write(
      `${failed === 0 ? '  ok    ' : '  FAILED'}  ${name}  ${passed} of ${passed + failed}  ${example}\n`,
    )
  }
  const [passed, failed] = [...tally.values()].reduce(
    ([p, f], one) => [p + one.passed, f + one.failed] as [number, number],
    [0, 0] as [number, number],
  )
  process.stdout.write(
    `Relative tolerance ${tolerance}; fitted weights ${weightTolerance}.\n${passed} passed, ${failed} failed\n`,
  )
  process.exitCode = failed === 0 && asked.status === 0 ? 0 : 1
}
