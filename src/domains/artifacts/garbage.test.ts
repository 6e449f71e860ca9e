import assert from 'node:assert/strict'
import { chmod, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { testApp } from '../../../test/support/context.ts'
import type { App } from '../../app.ts'
import { getJob } from '../../core/background/jobs.ts'
import type { Context } from '../../core/context.ts'
import { week } from '../../core/duration.ts'
import * as registry from '../registry/registry.ts'
import * as artifacts from './artifacts.ts'

async function run(app: App, job: string): Promise<Record<string, unknown>> {
  await app.worker.drain()
  const { state, result, error } = (await getJob(app.ctx, job)) ?? {}
  assert.deepEqual([state, error], ['succeeded', null])
  return result as Record<string, unknown>
}

const collect = async (app: App, input: { apply?: boolean; graceHours?: number }) =>
  run(app, (await artifacts.collectGarbage(app.ctx, input)).job)

function pathOf(ctx: Context, digest: string): string {
  const hex = digest.slice('sha256:'.length)
  return join(ctx.folder, 'blobs', hex.slice(0, 2), hex)
}

/** Makes stored bytes look as old as they would be after the time of grace. */
async function age(ctx: Context, digest: string): Promise<void> {
  const past = new Date(Date.now() - 3 * week)
  await utimes(pathOf(ctx, digest), past, past)
}

/** Lets real time pass for tombstones, which follow it as file times do. */
function later(app: App, milliseconds: number): void {
  const { wall } = app.ctx.clock
  Object.assign(app.ctx.clock, { wall: () => wall() + milliseconds })
  app.ctx.clock.set(new Date(app.ctx.now().getTime() + milliseconds))
}

async function version(ctx: Context, text: string) {
  const { digest, size } = await ctx.blobs.put(Buffer.from(text))
  const artifact = await artifacts.create(ctx, { files: [{ path: 'model.bin', digest, size }] })
  const flavor = { flavor: 'mlflow', uri: 'x:/y' } as const
  const { version } = await registry.registerVersion(ctx, { model: 'm', ...flavor, artifact: artifact.digest })
  return { digest, artifact: artifact.digest, version }
}

test('counting changes nothing; what nothing names goes at the second visit after the time of grace, the rest never', async (t) => {
  const app = await testApp(t)
  const { ctx } = app
  await registry.createModel(ctx, { name: 'm' })
  const kept = await version(ctx, 'kept')
  const named = await artifacts.putFile(ctx, { path: '1/run/artifacts/a' }, Readable.from(['named']))
  const stray = await ctx.blobs.put(Buffer.from('stray'))
  for (const { digest } of [kept, named, stray]) await age(ctx, digest)

  const counted = await collect(app, {})
  assert.deepEqual([counted['kept'], counted['unnamed'], counted['unnamedBytes'], counted['removed']], [2, 1, 5, 0])
  assert.equal((await collect(app, { apply: true }))['removed'], 0)
  later(app, week - 60_000)
  assert.equal((await collect(app, { apply: true }))['removed'], 0)
  later(app, 120_000)
  const done = await collect(app, { apply: true })
  assert.deepEqual([done['removed'], done['removedBytes']], [1, 5])
  assert.deepEqual(await Promise.all([kept, named, stray].map(({ digest }) => ctx.blobs.has(digest))), [
    true,
    true,
    false,
  ])
})

test('bytes that are put or named again between the visits stay', async (t) => {
  const app = await testApp(t)
  const { ctx } = app
  const [again, bound] = [await ctx.blobs.put(Buffer.from('again')), await ctx.blobs.put(Buffer.from('bound'))]
  for (const { digest } of [again, bound]) await age(ctx, digest)
  await collect(app, { apply: true })
  later(app, 2 * week)
  await ctx.blobs.put(Buffer.from('again'))
  const soon = new Date(ctx.clock.wall())
  await utimes(pathOf(ctx, again.digest), soon, soon)
  await artifacts.bindFile(ctx, { path: 'x', ...bound })
  assert.equal((await collect(app, { apply: true }))['removed'], 0)
  assert.deepEqual([await ctx.blobs.has(again.digest), await ctx.blobs.has(bound.digest)], [true, true])
})

test('the artifact of a deleted version goes with its bytes, unless another version has the same', async (t) => {
  const app = await testApp(t)
  const { ctx } = app
  await registry.createModel(ctx, { name: 'm' })
  const first = await version(ctx, 'shared')
  const second = await version(ctx, 'shared')
  const alone = await version(ctx, 'alone')
  for (const { digest } of [first, alone]) await age(ctx, digest)
  await registry.deleteVersion(ctx, { model: 'm', version: first.version })
  await registry.deleteVersion(ctx, { model: 'm', version: alone.version })
  later(app, 2 * week)
  await collect(app, { apply: true })
  later(app, 2 * week)
  await collect(app, { apply: true })
  assert.deepEqual([await ctx.blobs.has(second.digest), await ctx.blobs.has(alone.digest)], [true, false])
  await artifacts.get(ctx, { digest: second.artifact })
  await assert.rejects(artifacts.get(ctx, { digest: alone.artifact }))
})

test('a check names what is damaged and what is missing, counts what nothing names, and changes nothing', async (t) => {
  const app = await testApp(t)
  const { ctx } = app
  const check = async () => run(app, (await artifacts.checkStore(ctx)).job)
  const [damaged, lost] = [
    await artifacts.putFile(ctx, { path: 'a/damaged' }, Readable.from(['good'])),
    await artifacts.putFile(ctx, { path: 'a/lost' }, Readable.from(['here'])),
  ]
  await ctx.blobs.put(Buffer.from('stray'))
  const fine = await check()
  assert.deepEqual([fine['ok'], fine['checked'], fine['orphans'], fine['orphanBytes']], [true, 3, 1, 5])
  await chmod(pathOf(ctx, damaged.digest), 0o644)
  await writeFile(pathOf(ctx, damaged.digest), 'evil')
  await ctx.blobs.remove(lost.digest)
  const found = await check()
  assert.equal(found['ok'], false)
  assert.deepEqual(found['damaged'], [damaged.digest])
  assert.deepEqual(found['missing'], [{ digest: lost.digest, where: 'a/lost' }])
})
