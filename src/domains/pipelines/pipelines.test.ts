import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Static } from 'typebox'
import { testServer } from '../../../test/support/context.ts'
import { until } from '../../../test/support/until.ts'
import type { ProblemError } from '../../client/client.ts'
import type { PipelineFile } from './contract.ts'
import { applyPipeline } from './pipelines.ts'

type Definition = Static<typeof PipelineFile>

async function begin(t: TestContext, definition: Partial<Definition> & Pick<Definition, 'steps'>) {
  const { app, client } = await testServer(t)
  writeFileSync(join(app.ctx.root, 'code.txt'), 'first')
  await applyPipeline(app.ctx, { pipeline: 'train', ...definition })
  async function run(input: Record<string, unknown> = {}) {
    const { id } = await client.pipelines.start({ pipeline: 'train', ...input })
    await app.worker.drain()
    return client.pipelines.getRun({ pipelineRun: id })
  }
  return { app, client, run }
}

const states = (run: { steps: { name: string; state: string }[] }) => run.steps.map(({ name, state }) => [name, state])

const chain: Definition['steps'] = [
  {
    name: 'model',
    run: 'cat "$KEEL_IN_ROWS/rows" > "$KEEL_OUT/model"',
    needs: ['rows'],
    code: ['code.txt'],
    params: [],
  },
  { name: 'rows', run: 'echo "$KEEL_PARAM_COUNT rows" > "$KEEL_OUT/rows"', code: ['code.txt'], params: ['count'] },
]

test('steps run after what they need, see params and inputs, and their output is an artifact', async (t) => {
  const { client, run } = await begin(t, { params: { count: 3 }, steps: chain })
  const done = await run({ params: { count: 5 } })
  assert.equal(done.state, 'succeeded')
  assert.deepEqual(states(done), [
    ['rows', 'succeeded'],
    ['model', 'succeeded'],
  ])
  const model = await client.artifacts.get({ digest: done.steps[1]?.output ?? '' })
  assert.deepEqual(
    model.files.map(({ path, size }) => [path, size]),
    [['model', '5 rows\n'.length]],
  )
  const tracked = await client.runs.get({ run: done.run })
  assert.equal(tracked.status, 'finished')
  assert.deepEqual(tracked.params, { count: '5' })
})

test('what did not change comes from the cache, with the same digests', async (t) => {
  const { run } = await begin(t, { params: { count: 3 }, steps: chain })
  const [first, second] = [await run(), await run()]
  assert.deepEqual(states(second), [
    ['rows', 'cached'],
    ['model', 'cached'],
  ])
  assert.deepEqual(
    second.steps.map(({ output }) => output),
    first.steps.map(({ output }) => output),
  )
  assert.deepEqual(states(await run({ fresh: true })), states(first))
})

test('a step tells which component of its key changed: a param, the code, or an input', async (t) => {
  const { app, client, run } = await begin(t, { params: { count: 3 }, steps: chain })
  await run()
  const other = await run({ params: { count: 4 } })
  const why = async (pipelineRun: string, step: string) =>
    (await client.pipelines.why({ pipelineRun, step })).changed.map(({ component }) => component)
  assert.deepEqual(await why(other.id, 'rows'), ['params.count'])
  assert.deepEqual(await why(other.id, 'model'), ['inputs.rows'])
  writeFileSync(join(app.ctx.root, 'code.txt'), 'second')
  assert.deepEqual(await why((await run({ params: { count: 4 } })).id, 'rows'), ['code'])
})

test('a failed step skips what needs it, and a resumed run goes on from there', async (t) => {
  const { app, client, run } = await begin(t, {
    steps: [
      { name: 'rows', run: 'echo 1 > "$KEEL_OUT/rows"', code: ['code.txt'] },
      { name: 'model', run: 'echo thinking; test -f allowed', needs: ['rows'], code: ['code.txt'] },
      { name: 'report', run: 'true', needs: ['model'], code: ['code.txt'] },
    ],
  })
  const failed = await run()
  assert.equal(failed.state, 'failed')
  assert.deepEqual(states(failed), [
    ['rows', 'succeeded'],
    ['model', 'failed'],
    ['report', 'skipped'],
  ])
  assert.equal(failed.steps[1]?.exitCode, 1)
  const log = await client.pipelines.logs({ pipelineRun: failed.id, step: 'model' })
  assert.equal(log.text, 'thinking\n')
  assert.equal((await client.pipelines.logs({ pipelineRun: failed.id, step: 'model', offset: log.next })).text, '')
  assert.equal((await client.runs.get({ run: failed.run })).status, 'failed')

  writeFileSync(join(app.ctx.root, 'allowed'), '')
  const resumed = await run({ resume: failed.id })
  assert.equal(resumed.resumedFrom, failed.id)
  assert.deepEqual(states(resumed), [
    ['rows', 'cached'],
    ['model', 'succeeded'],
    ['report', 'succeeded'],
  ])
})

test('exit code 75 asks for another try; 65 says that trying again is useless', async (t) => {
  const { run } = await begin(t, {
    steps: [
      { name: 'busy', run: 'echo x >> busy; test $(wc -l < busy) -ge 2 || exit 75', retries: 1, code: ['code.txt'] },
      { name: 'wrong', run: 'exit 65', retries: 5, needs: ['busy'], code: ['code.txt'] },
    ],
  })
  const done = await run()
  assert.deepEqual(
    done.steps.map(({ name, state, attempts }) => [name, state, attempts]),
    [
      ['busy', 'succeeded', 2],
      ['wrong', 'failed', 1],
    ],
  )
})

test('a step that runs too long ends together with what it started', async (t) => {
  const { app, run } = await begin(t, {
    steps: [{ name: 'slow', run: '(sleep 30; touch late) & echo $! > child; wait', timeout: '1s', code: ['code.txt'] }],
  })
  const done = await run()
  assert.equal(done.steps[0]?.state, 'failed')
  assert.match(done.steps[0]?.error ?? '', /longer than 1s/)
  const child = readFileSync(join(app.ctx.root, 'child'), 'utf8').trim()
  assert.equal(existsSync(`/proc/${child}/cmdline`) && readFileSync(`/proc/${child}/cmdline`, 'utf8') !== '', false)
})

test('a cancelled run stops its step and says so', async (t) => {
  const { app, client } = await begin(t, {
    steps: [{ name: 'long', run: 'touch began; sleep 60', code: ['code.txt'] }],
  })
  const { id } = await client.pipelines.start({ pipeline: 'train' })
  await until(() => existsSync(join(app.ctx.root, 'began')), 'the step to begin', { within: 60_000 })
  const cancelled = await client.pipelines.cancelRun({ pipelineRun: id })
  assert.equal(cancelled.state, 'cancelled')
  await app.worker.drain()
  const seen = await client.pipelines.getRun({ pipelineRun: id })
  assert.deepEqual([seen.state, states(seen)], ['cancelled', [['long', 'cancelled']]])
})

test('a step sees what is declared, and nothing else of the environment of the server', async (t) => {
  process.env['KEEL_TEST_SECRET'] = 'hush'
  t.after(() => delete process.env['KEEL_TEST_SECRET'])
  const { client, run } = await begin(t, {
    steps: [{ name: 'look', run: 'env', env: { COLOUR: 'blue' }, code: ['code.txt'] }],
  })
  const { id } = await run()
  const { text } = await client.pipelines.logs({ pipelineRun: id, step: 'look' })
  assert.match(text, /COLOUR=blue/)
  assert.match(text, /KEEL_OUT=/)
  assert.doesNotMatch(text, /hush/)
})

test('a param that is not declared, or of another type, is refused by name', async (t) => {
  const { client } = await begin(t, { params: { count: 3 }, steps: chain })
  const refused = (params: Record<string, unknown>, pattern: RegExp) =>
    assert.rejects(client.pipelines.start({ pipeline: 'train', params }), (error: ProblemError) => {
      assert.equal(error.problem.status, 400)
      assert.match(`${error.problem.detail} ${error.problem.hint}`, pattern)
      return true
    })
  await refused({ cuont: 1 }, /"cuont".*"count"/)
  await refused({ count: 'many' }, /"count" must be a number/)
  assert.deepEqual((await client.pipelines.listRuns({})).items, [])
})

test('steps that need each other in a circle, or one that is not there, are refused and nothing is stored', async (t) => {
  const { app, client } = await begin(t, { steps: chain })
  const circle = {
    pipeline: 'circle',
    steps: [
      { name: 'a', run: 'true', needs: ['b'] },
      { name: 'b', run: 'true', needs: ['a'] },
    ],
  }
  await assert.rejects(async () => applyPipeline(app.ctx, circle), /"a"|"b"/)
  const missing = { pipeline: 'missing', steps: [{ name: 'a', run: 'true', needs: ['rows'] }] }
  await assert.rejects(async () => applyPipeline(app.ctx, missing), /"rows"/)
  assert.deepEqual(
    (await client.pipelines.list({})).items.map(({ name }) => name),
    ['train'],
  )
})

test('a schedule starts one run for each instant that passes, and none when it is taken away', async (t) => {
  const steps = [{ name: 'a', run: 'true', code: ['code.txt'] }]
  const { app, client } = await begin(t, { schedule: { cron: '0 3 * * *' }, steps })
  const advance = (to: string) => client.system.advanceClock({ to })
  await advance('2026-01-03T12:00:00.000Z')
  const started = (await client.pipelines.listRuns({ pipeline: 'train' })).items
  assert.deepEqual(started.map(({ startedAt }) => startedAt).sort(), [
    '2026-01-01T03:00:00.000Z',
    '2026-01-02T03:00:00.000Z',
    '2026-01-03T03:00:00.000Z',
  ])
  await applyPipeline(app.ctx, { pipeline: 'train', steps })
  await advance('2026-01-06T12:00:00.000Z')
  assert.equal((await client.pipelines.listRuns({ pipeline: 'train' })).items.length, 3)
})
