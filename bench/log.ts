import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createApp } from '../src/app.ts'
import { resolveConfig } from '../src/core/config.ts'
import { transaction } from '../src/core/transaction.ts'
import * as registry from '../src/domains/registry/registry.ts'
import * as serving from '../src/domains/serving/serving.ts'
import { establish, model } from '../test/support/trips.ts'

/**
 * Predictions answered and written to the log on one core: features looked up, a constant for a model, each record masked,
 * put into Parquet and its segment into the database. They come at a steady rate, which grows until records are lost; the
 * clock runs until the last one is on disk. The last line is JSON.
 */
const rates = [10_000, 20_000, 30_000, 40_000, 60_000, 80_000, 100_000]
const seconds = 5
const tick = 5
/** What comes at once after a pause: more than a server would let in. */
const burst = 2_000
const inside = 'KEEL_BENCH_ONE_CORE'

type Round = { asked: number; perSecond: number; lost: number }

async function measure(): Promise<Round[]> {
  const root = mkdtempSync(join(tmpdir(), 'keel-bench-log-'))
  const { config } = resolveConfig({ environment: {} })
  const app = await createApp({ config: { ...config, port: '0', log: 'silent' }, root })
  const { ctx } = app
  try {
    await establish(ctx)
    await registry.setBaseline(ctx, { model, value: 0.5 })
    const live = { release: `${model}.r0`, version: 0 }
    const routing = { endpoint: model, live, canary: null, shadow: null, warm: [] }
    await serving.prepareRouting(ctx, routing)
    await transaction(ctx, (ctx) => serving.setRouting(ctx, routing))
    const found: Round[] = []
    for (const rate of [rates[0] ?? 0, ...rates]) {
      const before = serving.droppedRecords(ctx)
      const took = await atRate(rate, (good) =>
        serving.predict(ctx, { endpoint: model, inputs: { city: 'Bonn', good, wrong: 0.5 } }),
      )
      const started = performance.now()
      await serving.flushLog(ctx)
      const lost = serving.droppedRecords(ctx) - before
      const perSecond = (rate * seconds) / (took + (performance.now() - started) / 1_000)
      found.push({ asked: rate, perSecond: Math.round(perSecond), lost })
      if (lost > 0) break
    }
    // The first one warms up.
    return found.slice(1)
  } finally {
    await app.close()
    rmSync(root, { recursive: true, force: true })
  }
}

/** Asks at a steady rate, without waiting for answers; seconds that it took. */
async function atRate(rate: number, ask: (good: number) => Promise<unknown>): Promise<number> {
  const total = rate * seconds
  const started = performance.now()
  const open: Promise<unknown>[] = []
  let sent = 0
  while (sent < total) {
    const due = Math.min(total, sent + burst, Math.floor(((performance.now() - started) / 1_000) * rate))
    for (; sent < due; sent++) open.push(ask((sent % 100) / 100))
    if (open.length > 20_000) await Promise.all(open.splice(0))
    await sleep(tick)
  }
  await Promise.all(open)
  return (performance.now() - started) / 1_000
}

if (process.env[inside] === undefined) {
  const args = ['-c', '0', process.execPath, fileURLToPath(import.meta.url)]
  const { status, error } = spawnSync('taskset', args, { stdio: 'inherit', env: { ...process.env, [inside]: '1' } })
  if (error) throw new Error('taskset is needed to hold the process on one core', { cause: error })
  process.exitCode = status ?? 1
} else {
  const found = await measure()
  console.log('asked/s   written/s   lost')
  for (const { asked, perSecond, lost } of found)
    console.log(`${String(asked).padStart(7)} ${String(perSecond).padStart(11)} ${String(lost).padStart(6)}`)
  const most = found.filter(({ lost }) => lost === 0).reduce((best, { perSecond }) => Math.max(best, perSecond), 0)
  console.log(JSON.stringify({ perSecond: most, cores: 1, rounds: found }))
}
