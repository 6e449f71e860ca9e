import assert from 'node:assert/strict'
import { chmodSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Static } from 'typebox'
import { testServer } from '../../../test/support/context.ts'
import type { PipelineFile } from './contract.ts'
import { applyPipeline, checkPipeline } from './pipelines.ts'

type Definition = Static<typeof PipelineFile>

async function begin(t: TestContext, definition: Partial<Definition> & Pick<Definition, 'steps'>) {
  const { app, client } = await testServer(t)
  await applyPipeline(app.ctx, { pipeline: 'p', ...definition })
  const run = async (input: Record<string, unknown> = {}) => {
    const { id } = await client.pipelines.start({ pipeline: 'p', ...input })
    await app.worker.drain()
    return client.pipelines.getRun({ pipelineRun: id })
  }
  const out = (id: string, step: string) => join(app.ctx.folder, 'pipelines', id, step, 'out')
  return { app, client, run, out }
}

const described = (folder: string) =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .sort()
    .map((path) => {
      const full = join(folder, path)
      const found = lstatSync(full)
      if (found.isSymbolicLink()) return [path, 'link', readlinkSync(full)]
      return [path, found.mode & 0o7777, found.isFile() ? readFileSync(full, 'utf8') : 'folder']
    })

test('a cached step gives what it gave: bytes, modes, links and empty folders', async (t) => {
  const build = [
    'mkdir -p $KEEL_OUT/bin $KEEL_OUT/logs $KEEL_OUT/v2 $KEEL_OUT/closed',
    'echo "#!/bin/sh" > $KEEL_OUT/bin/score && chmod 755 $KEEL_OUT/bin/score',
    'echo weights > $KEEL_OUT/v2/w.bin && ln -s v2 $KEEL_OUT/current && ln -s v2/w.bin $KEEL_OUT/latest.bin',
    ': > $KEEL_OUT/empty.txt && echo s > $KEEL_OUT/key && chmod 600 $KEEL_OUT/key && echo r > $KEEL_OUT/ro && chmod 444 $KEEL_OUT/ro',
    'echo x > $KEEL_OUT/closed/x && chmod 500 $KEEL_OUT/closed',
  ].join('\n')
  const { run, out } = await begin(t, { steps: [{ name: 'build', run: build, code: [] }] })
  const [first, second] = [await run(), await run()]
  assert.deepEqual([first.steps[0]?.state, second.steps[0]?.state], ['succeeded', 'cached'])
  assert.ok(described(out(first.id, 'build')).length >= 12)
  assert.deepEqual(described(out(second.id, 'build')), described(out(first.id, 'build')))
  for (const { id } of [first, second]) chmodSync(join(out(id, 'build'), 'closed'), 0o700)
})

for (const [what, command, says] of [
  ['a pipe', 'mkfifo $KEEL_OUT/pipe && echo x > $KEEL_OUT/x', /"pipe" of the step "build" is neither a file/],
  [
    'a link out of the output',
    'ln -s /etc/hostname $KEEL_OUT/host && echo x > $KEEL_OUT/x',
    /"host" of the step "build" is a link to/,
  ],
] as const) {
  test(`${what} is refused by name at the first run`, async (t) => {
    const { run } = await begin(t, { steps: [{ name: 'build', run: command, code: [] }] })
    const done = await run()
    assert.equal(done.state, 'failed')
    assert.match(done.steps[0]?.error ?? '', says)
  })
}

test('a file that became executable is another input of the next step', async (t) => {
  const steps = (mode: string): Definition['steps'] => [
    { name: 'build', run: `echo x > $KEEL_OUT/x && chmod ${mode} $KEEL_OUT/x`, code: [] },
    { name: 'use', needs: ['build'], run: 'ls -l $KEEL_IN_BUILD > $KEEL_OUT/list', code: [] },
  ]
  const { app, run } = await begin(t, { steps: steps('644') })
  await run()
  await applyPipeline(app.ctx, { pipeline: 'p', steps: steps('755') })
  assert.deepEqual(
    (await run()).steps.map(({ state }) => state),
    ['succeeded', 'succeeded'],
  )
})

test('a step sees the params that it declares, and the same zone and words wherever the server runs', async (t) => {
  const before = { TZ: process.env['TZ'], LANG: process.env['LANG'] }
  t.after(() => {
    for (const [name, value] of Object.entries(before))
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  })
  Object.assign(process.env, { TZ: 'Asia/Kolkata', LANG: 'de_DE.UTF-8' })
  const { run, out, app } = await begin(t, {
    params: { size: 30, seed: 1 },
    steps: [
      {
        name: 'ingest',
        params: ['seed'],
        code: [],
        run: 'echo "size=$KEEL_PARAM_SIZE seed=$KEEL_PARAM_SEED $TZ $LANG" > $KEEL_OUT/made',
      },
    ],
  })
  const made = (id: string) => readFileSync(join(out(id, 'ingest'), 'made'), 'utf8')
  const first = await run()
  assert.equal(made(first.id), 'size= seed=1 UTC C.UTF-8\n')
  const other = await run({ params: { size: 40 } })
  assert.deepEqual([other.steps[0]?.state, made(other.id)], ['cached', made(first.id)])
  await applyPipeline(app.ctx, {
    pipeline: 'p',
    steps: [{ name: 'ingest', code: [], env: { TZ: 'Asia/Tokyo' }, run: 'echo $TZ > $KEEL_OUT/made' }],
  })
  assert.equal(made((await run()).id), 'Asia/Tokyo\n')
})

const step = (name: string, env: Record<string, string> = {}) => ({ name, run: 'true', code: [], env })

test('names that would be one variable are refused at plan, naming both, and own names are reserved', () => {
  const refused: [Partial<Definition>, RegExp][] = [
    [
      { params: { 'learning-rate': 0.1, learning_rate: 0.5 } },
      /"learning-rate" and "learning_rate" would both be the variable KEEL_PARAM_LEARNING_RATE/,
    ],
    [{ params: { größe: 3, grüße: 4 } }, /"größe" and "grüße"/],
    [
      { steps: [step('load-eu'), step('load_eu')] },
      /"load-eu" and "load_eu" would both be the variable KEEL_IN_LOAD_EU/,
    ],
    [{ steps: [step('a', { KEEL_OUT: 'x' })] }, /The step "a" of "p" sets "KEEL_OUT" in env/],
    [{ steps: [step('a', { KEEL_PARAM_SERVER: 'x' })] }, /"KEEL_PARAM_SERVER"/],
    [{ steps: [step('a', { PATH: '/nowhere' })] }, /"PATH"/],
    [{ steps: [step('a', { 'HTTP-PROXY': 'x' })] }, /"HTTP-PROXY" in env: it is not the name of a variable/],
  ]
  for (const [changed, says] of refused)
    assert.throws(() => checkPipeline({ pipeline: 'p', steps: [step('a')], ...changed }), says)
  checkPipeline({
    pipeline: 'p',
    params: { in: 7, out: 'x', SERVER: 'y' },
    steps: [step('a', { TZ: 'UTC', http_proxy: 'x' })],
  })
})
