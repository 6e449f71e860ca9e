import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium } from 'playwright-core'
import type { Api } from '../../src/contract.ts'
import type { Output } from '../../src/core/contract.ts'
import { golden, parity, weeks } from '../support/flights-expected.ts'
import { keel } from '../support/keel.ts'

type Gate = Output<Api['evaluation']['runGate']>
type Story = {
  url: string
  requests: number
  gate1: Gate
  gate2: Gate
  gate3: Gate
  refused3: { exitCode: number; message: string }
  rollout1: Output<Api['delivery']['getRollout']>
  rollout2: Output<Api['delivery']['getRollout']>
  drill: Output<Api['delivery']['drill']>
  alerts1: Output<Api['monitoring']['listAlerts']>['items']
  drift1: Output<Api['monitoring']['drift']>
  rollback: Output<Api['delivery']['rollback']>
  live: Output<Api['delivery']['timeline']>['spans']
  delivery: { metrics: Output<Api['delivery']['metrics']> }
  failures: Output<Api['review']['listFailures']>['items']
}

/** The whole story, as people see it; without it, the one that leaves the quiet weeks at the end out. */
const full = process.env['TEST_DEMO'] === 'full'
const browserPath = process.env['TEST_CHROMIUM']
const browserFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Within `tolerance` of a value that another program computed. */
function near(actual: number | null | undefined, expected: number, tolerance: number): void {
  assert.ok(
    typeof actual === 'number' && Math.abs(actual - expected) <= tolerance,
    `${actual} is not within ${tolerance} of ${expected}`,
  )
}

const check = (gate: Gate, name: string) => gate.checks.find((one) => one.check.startsWith(name))

describe('keel demo', { timeout: 400_000 }, () => {
  const cwd = mkdtempSync(join(tmpdir(), 'keel-demo-'))
  let story: Story
  let browser: Browser | undefined

  before(
    async () => {
      const { code, stdout, stderr } = await keel(['demo', '--json', '--port', '0', ...(full ? [] : ['--quick'])], {
        cwd,
      })
      assert.equal(code, 0, stderr)
      story = JSON.parse(stdout) as Story
    },
    { timeout: 400_000 },
  )

  after(async () => {
    await browser?.close()
    await keel(['demo', '--remove'], { cwd })
    rmSync(cwd, { recursive: true, force: true })
  })

  test('the static model passes against the built-in baseline, as computed apart', () => {
    assert.equal(story.gate1.verdict, 'pass')
    near(check(story.gate1, 'quality')?.value, -golden.differences.v1MinusConstant.mean, 5e-4)
    near(check(story.gate1, 'floor auc')?.value, golden.v1.auc, 5e-4)
  })

  test('it goes live through shadow and steps, each on its evidence', () => {
    assert.deepEqual(
      story.rollout1.history.map(({ state, share }) => [state, share]),
      [
        ['shadow', 0],
        ['step', 0.1],
        ['step', 0.5],
        ['promoted', 1],
      ],
    )
    assert.equal(story.rollout1.state, 'promoted')
    assert.equal(story.drill.passed, true)
  })

  test('on 30 April its prediction bias pages, while its inputs have not moved', () => {
    const pages = story.alerts1.filter(({ severity }) => severity === 'page')
    assert.deepEqual(
      pages.map(({ signal, firedAt }) => [signal, firedAt.slice(0, 10)]),
      [['bias', '2001-04-30']],
    )
    const expected = weeks.find(({ from }) => from.startsWith('2001-04-23'))
    assert.ok(expected)
    near(pages[0]?.value.value, expected.v1.bias, 1e-3)
    assert.equal(
      story.drift1.window?.drift.some(({ drifted }) => drifted),
      false,
    )
  })

  test('the leaky model looks best offline and is blocked, for serving would see other values', () => {
    assert.equal(story.gate3.verdict, 'fail')
    assert.equal(check(story.gate3, 'quality')?.verdict, 'pass')
    near(check(story.gate3, 'floor auc')?.value, golden.v3Event.auc, 5e-4)
    assert.equal(check(story.gate3, 'parity origin_late_3h')?.verdict, 'fail')
    near(
      check(story.gate3, 'parity origin_late_3h')?.value,
      parity.origin_late_3h.differing + parity.origin_late_3h.oneMissing,
      0.03,
    )
    assert.equal(story.refused3.exitCode, 5)
  })

  test('the honest model passes against the live one and is promoted step by step', () => {
    assert.equal(story.gate2.verdict, 'pass')
    near(check(story.gate2, 'quality')?.value, -golden.differences.v2MinusV1.mean, 5e-4)
    near(check(story.gate2, 'floor auc')?.value, golden.v2.auc, 5e-4)
    assert.equal(story.rollout2.state, 'promoted')
  })

  test('the rollback says how long it took, as the delivery numbers do, and the log says what was live when', () => {
    assert.equal(story.rollback.release.version, 1)
    assert.deepEqual(story.delivery.metrics.rollbackSeconds.incidents, [story.rollback.seconds])
    assert.deepEqual(
      story.live.map(({ version }) => version),
      [0, 1, 2, 1],
    )
  })

  test('the delivery numbers and the failure groups come from the same log', () => {
    const { metrics } = story.delivery
    assert.equal(metrics.deployments, 2)
    assert.deepEqual([metrics.changeFailRate.failed, metrics.changeFailRate.total], [1, 2])
    assert.equal(metrics.rollbackSeconds.drills.length, full ? 2 : 1, 'one by hand, one by schedule sixty days later')
    assert.ok(metrics.alerts.pages >= 1)
    assert.ok(story.failures.length > 0)
    assert.ok(story.failures.every(({ excess, errorRate }) => excess > 0 && errorRate.n >= 100))
  })

  test('commands find the demo from the folder it was started in', async () => {
    const live = await keel(['live', 'flight-delay', '--at', '2001-05-01T12:00', '--json'], { cwd })
    assert.equal(JSON.parse(live.stdout).live.version, 1)
    const releases = await keel(['releases', 'flight-delay', '--json'], { cwd })
    assert.deepEqual(
      JSON.parse(releases.stdout).map(({ number }: { number: number }) => number),
      [2, 1, 0],
    )
  })

  test('a person sees it all in the browser and rolls back with one button', {
    skip: !browserPath && 'TEST_CHROMIUM is not set',
  }, async () => {
    browser = await chromium.launch({ ...(browserPath ? { executablePath: browserPath } : {}), args: browserFlags })
    const page = await browser.newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    await page.goto(story.url)
    await page.getByRole('heading', { name: '1 model needs you.' }).waitFor()
    await page.getByRole('link', { name: /flight-delay.*needs you/ }).click()
    await page.getByRole('heading', { name: 'Releases' }).waitFor()
    await page.getByRole('button', { name: 'Roll back', exact: true }).click()
    await page.getByPlaceholder('It goes into the log').fill('a test of the button')
    await page.getByRole('button', { name: /Roll back to flight-delay\.r2/ }).click()
    await page.getByTestId('rolled-back').waitFor()
    assert.match(await page.getByTestId('rolled-back').innerText(), /flight-delay\.r2 \(v2\) answers now/)
    assert.deepEqual(errors, [])
  })

  test('it leaves no trace when it is removed', async () => {
    const { code } = await keel(['demo', '--remove'], { cwd })
    assert.equal(code, 0)
    assert.equal(existsSync(join(cwd, 'keel-demo')), false)
    await assert.rejects(fetch(story.url))
  })
})

test('what the demo runs are the files of the example', () => {
  const story = readFileSync(new URL('../../src/cli/demo/story.ts', import.meta.url), 'utf8')
  for (const name of ['train-v1', 'train-v2', 'train-v3']) {
    assert.ok(story.includes(`run ${name}`))
    assert.ok(existsSync(new URL(`../../examples/flights/pipelines/${name}.yaml`, import.meta.url)))
  }
})
