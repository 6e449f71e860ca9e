import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type App, createApp } from '../../src/app.ts'
import { realClock } from '../../src/core/clock.ts'
import { resolveConfig } from '../../src/core/config.ts'
import type { Context } from '../../src/core/context.ts'
import * as delivery from '../../src/domains/delivery/delivery.ts'
import * as evaluation from '../../src/domains/evaluation/evaluation.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import * as serving from '../../src/domains/serving/serving.ts'
import { temporaryFolder } from '../support/folder.ts'
import { ownDatabase } from '../support/snapshot.ts'
import { inFull } from '../support/trials.ts'
import { establish, model, register, spec, trips } from '../support/trips.ts'

const child = fileURLToPath(new URL('../support/delivery-child.ts', import.meta.url))

/** What is done, to its end, before the act that dies. */
const acts: Record<string, string[]> = {
  release: [],
  skip: ['release'],
  pause: ['release'],
  abort: ['release', 'skip'],
  promote: ['release', 'skip'],
  rollback: ['release', 'promote'],
  unpin: ['release', 'promote', 'rollback'],
  drill: ['release', 'promote'],
}
/** The writes before which the process dies; the last is after the act, whatever it wrote. All of them in "npm run test:statistics". */
const moments = inFull ? [1, 3, 5, 8, 1_000] : [3, 1_000]

async function perform(root: string, database: string, act: string, kill: number): Promise<void> {
  const died = spawn(process.execPath, [child, root, database, act, String(kill)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  died.stdout.on('data', (chunk) => (text += chunk))
  died.stderr.on('data', (chunk) => (text += chunk))
  const signal = await new Promise<string | null>((resolve) => died.once('close', (_code, how) => resolve(how)))
  assert.equal(signal, 'SIGKILL', text)
}

async function open(root: string, database: string): Promise<App> {
  const { config } = resolveConfig({ environment: {} })
  return createApp({ config: { ...config, port: '0', log: 'silent', database }, root })
}

/** One release is live, the log and the routing agree, every request is answered, and going back works. */
async function checkWhole(app: App, after: string): Promise<void> {
  const { ctx } = app
  const { items } = await delivery.listReleases(ctx, { model })
  const routing = serving.currentRouting(ctx, model)
  if (items.length === 0) return assert.equal(routing, undefined, after)
  const live = items.filter(({ state }) => state === 'live').map(({ id }) => id)
  assert.deepEqual(live, [routing?.live.release], after)
  const { spans } = await delivery.timeline(ctx, { model })
  assert.equal(spans.at(-1)?.release, routing?.live.release, after)
  const open = items.filter(({ state }) => state === 'rolling_out')
  assert.ok(open.length <= 1, after)
  for (const { id } of open) {
    const rollout = await delivery.getRollout(ctx, { release: id })
    assert.equal(routing?.canary?.share ?? 0, rollout.share, after)
    assert.ok(rollout.share > 0 || routing?.shadow?.release === id, after)
  }
  if (open.length === 0) assert.deepEqual([routing?.canary, routing?.shadow], [null, null], after)
  for (const { id, city, good, wrong } of trips(5)) {
    const inputs = { city, good, wrong }
    assert.ok((await serving.predict(ctx, { endpoint: model, inputs, unit: id })).release, after)
  }
  const back = await delivery
    .rollback(ctx, { model, reason: 'after a crash' })
    .catch((error: unknown) => assert.match(String(error), /no earlier release/, after))
  if (back) assert.equal(serving.currentRouting(ctx, model)?.live.release, back.release.id, after)
}

async function gated(ctx: Context): Promise<void> {
  await establish(ctx)
  // A model whose releases may fail without end, each judged against the baseline: this is about crashes.
  const targets = { ...spec.delivery.targets, change_fail_rate: '100%' }
  const quality = { ...spec.success.quality, against: 'baseline' as const }
  await registry.applySpec(ctx, { ...spec, success: { quality }, delivery: { ...spec.delivery, targets } })
  const version = await register(ctx, 'good')
  await evaluation.runGate(ctx, { model, version })
}

async function arrange({ ctx }: App, steps: string[]): Promise<void> {
  const [newest] = (await delivery.listReleases(ctx, { model })).items
  if (newest?.state === 'rolling_out') await delivery.abort(ctx, { release: newest.id })
  await delivery.unpin(ctx, { model, reason: 'the next try' })
  let release = ''
  for (const step of steps) {
    if (step === 'release') release = (await delivery.release(ctx, { model, version: 1, reason: 'before' })).id
    if (step === 'skip') await delivery.skip(ctx, { release, step: -1 })
    if (step === 'promote') await delivery.promote(ctx, { release })
    if (step === 'rollback') await delivery.rollback(ctx, { model, reason: 'before' })
  }
}

test('kill -9 at any moment of any transition leaves one live release, answered requests and a way back', {
  timeout: 400_000,
}, async (t) => {
  const root = temporaryFolder(t, 'keel-crash-')
  const { database, drop } = await ownDatabase(root, gated, realClock)
  t.after(drop)
  let app = await open(root, database)
  for (const [act, before] of Object.entries(acts)) {
    for (const moment of moments) {
      await arrange(app, before)
      await app.close()
      await perform(root, database, act, moment)
      app = await open(root, database)
      await checkWhole(app, `${act}, killed at write ${moment}`)
    }
  }
  await app.close()
})
