import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../../../test/support/folder.ts'
import { model, register } from '../../../test/support/trips.ts'
import { typing } from '../../../test/support/typing.ts'
import { begin } from '../../domains/delivery/delivery.fixture.ts'

async function start(t: TestContext) {
  const cwd = temporaryFolder(t)
  const here = await begin(t)
  return { ...here, ...typing({ url: here.url, cwd }), cwd }
}

test('a version is judged, explained, signed and released, and its rollout is followed to the end', async (t) => {
  const { shown, data, keel, goLive, app } = await start(t)
  assert.match(await shown('gate', `${model}@1`), /^PASS {2}trip-late@1/)
  assert.match(await shown('gate', 'list', model), /trip-late@1 +pass/)
  const [{ id: gate }] = await data<[{ id: string }]>('gate', 'list', model)
  assert.match(await shown('gate', 'rerun', gate, '--from', 'record'), /The same verdict again, from record/)
  assert.match(await shown('gate', 'plan', model), /smallest it can prove/)
  assert.match(await shown('gate', 'plan', '--items', '200', '--margin', '0.1'), /items for your margin/)

  const evaluation = await data<{ id: string; against: string }>('eval', `${model}@1`)
  assert.match(evaluation.against, /^constant baseline .* \(nothing is live\)$/)
  const outputs = await keel('eval', 'outputs', evaluation.id, '--limit', '3')
  assert.equal(outputs.stdout.trim().split('\n').length, 4)
  assert.match(outputs.stderr, /Next: keel eval outputs \S+ --cursor /)
  assert.match(await shown('eval', 'metrics'), /log_loss/)

  assert.match((await keel('approve', `${model}@1`)).stderr, /An approval has a reason/)
  assert.match(await shown('approve', `${model}@1`, '--reason', 'read the evidence'), /approved +trip-late@1/)
  assert.match(await shown('approve', 'list', model), /holds +read the evidence/)

  assert.match(
    await shown('release', `${model}@1`, '--dry-run'),
    /trip-late@1 may be released[\s\S]*shadow → 50 % → 100 %/,
  )
  assert.equal((await keel('release', `${model}@1`)).code, 2)
  const released = await keel('release', `${model}@1`, '--reason', 'the first one', '--kind', 'model')
  assert.equal(released.code, 0, released.stderr)
  assert.match(released.stderr, /Next: keel rollout watch trip-late\.r1/)
  await app.worker.drain()
  assert.match(
    await shown('rollout', `${model}.r1`),
    /\[shadow\] → 50 % → 100 %\nneeds \d+ more answers; when cannot be told: none came over the last .+\nnot before .+, next check /,
  )
  assert.match(await shown('status'), /Rolling out:\n {2}trip-late\.r1 \(v1\) {2}shadow; needs \d+ more answers; /)
  assert.match(await shown('rollout', 'pause', `${model}.r1`, '--reason', 'a look'), /paused[\s\S]*a look/)
  await shown('rollout', 'resume', `${model}.r1`)
  const wrongStep = await keel('rollout', 'skip', `${model}.r1`, '30%')
  assert.match(wrongStep.stderr, /"30%" is not a step[\s\S]*shadow, 50%, 100%/)
  await goLive()
  await app.worker.drain()
  const watched = await keel('rollout', 'watch', `${model}.r1`)
  assert.deepEqual([watched.code, /promoted/.test(watched.stdout)], [0, true])
  assert.match(await shown('releases', model), /trip-late\.r1 +v1 +model +live/)
})

test('what went live is rolled back, pinned and let go on; drills and deliveries are counted', async (t) => {
  const { shown, data, keel, goLive, pass, app } = await start(t)
  await shown('release', `${model}@1`, '--reason', 'the first one')
  await goLive()
  assert.match(await shown('drill', model), /passed +yes/)
  await register(app.ctx, 'good')
  assert.equal((await keel('gate', `${model}@2`)).code, 4)
  assert.equal((await keel('release', `${model}@2`, '--reason', 'the second one')).code, 5)
  const { token } = await data<{ token: string }>('token', 'create', 'bo', '--role', 'member')
  await shown('approve', `${model}@2`, '--reason', 'it is the same model', '--token', token)
  await shown('release', `${model}@2`, '--reason', 'the second one')
  await goLive()
  await shown('rollout', 'promote', `${model}.r2`, '--reason', 'enough was seen')
  assert.match(await shown('live', model), /live +trip-late\.r2 \(v2\)/)
  assert.match(await shown('live', model, '--at', '2026-01-01T03:00'), /live +trip-late\.r1 \(v1\)/)
  assert.ok((await data<unknown[]>('live', model, '--all')).length > 1)

  const back = await keel('rollback', model, '--reason', 'a trial')
  assert.match(back.stdout, /live now +trip-late\.r1 \(v1\)[\s\S]*pinned +yes/)
  assert.match(back.stderr, /Next: keel unpin trip-late --reason/)
  assert.match(await shown('unpin', model, '--reason', 'it was a trial'), /may be released again/)
  await pass(1, 20)

  const { metrics } = await data<{ metrics: { deployments: number } }>('delivery', model)
  assert.ok(metrics.deployments >= 2)
  assert.match(await shown('delivery', '--from', '2026-01-01'), /trip-late/)
  assert.match(await shown('policy', model), new RegExp(`${model} is (green|yellow|red)`))
  const overridden = ['policy', 'override', model, '--owner', 'ana@team.example', '--reason', 'a fair']
  assert.match(await shown(...overridden, '--expires', '2d'), /is set aside until 2026-01-0/)
  assert.match(await shown('policy', 'overrides', model), /ana@team\.example +a fair/)

  const bisected = await keel('bisect', model, '--good', `${model}.r1`, '--bad', `${model}.r2`, '--json')
  const { looked } = JSON.parse(bisected.stdout) as { looked: { release: string }[] }
  assert.ok(looked.some(({ release }) => release === `${model}.r2`))
})

test('ci without a candidate that is not live says that there is nothing to judge, and leaves its files', async (t) => {
  const { keel, cwd } = await start(t)
  writeFileSync(join(cwd, 'keel.yaml'), 'project: trial\n')
  const { code, stdout } = await keel('ci', '--out', 'out')
  assert.deepEqual([code, /Nothing to judge/.test(stdout)], [0, true])
  for (const file of ['comment.md', 'junit.xml', 'report.json']) assert.ok(existsSync(join(cwd, 'out', file)), file)
  assert.equal((JSON.parse(readFileSync(join(cwd, 'out', 'report.json'), 'utf8')) as { exitCode: number }).exitCode, 0)
})
