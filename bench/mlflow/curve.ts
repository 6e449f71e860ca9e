import { type App, createApp } from '../../src/app.ts'
import { resolveConfig } from '../../src/core/config.ts'
import { transaction } from '../../src/core/transaction.ts'
import * as runs from '../../src/domains/runs/runs.ts'
import { median, openConnection, request, timed } from './load.ts'
import { openStore } from './sides.ts'

const metricsPerRun = 20
const historyPoints = 1_000_000
const v2 = '/api/2.0/mlflow'

/** Our search and history as the runs of one experiment grow, at the HTTP door; milliseconds, medians. */
export async function curve(counts: number[], server: string | undefined): Promise<void> {
  const store = await openStore('keel', server)
  const { config } = resolveConfig({ environment: {} })
  const app = await createApp({
    config: { ...config, port: '0', log: 'error', database: store.postgres ?? '' },
    root: store.folder,
  })
  try {
    const port = Number(new URL(await app.listen()).port)
    const { id } = await runs.recordExperiment(app.ctx, { name: 'grown' })
    const names = ['newest', 'filter + order', 'rare match', 'page 11', 'history']
    process.stdout.write(`${'runs'.padEnd(10)}${names.map((name) => name.padStart(16)).join('')}\n`)
    let known = 0
    const table: Record<string, Record<string, number>> = {}
    for (const count of counts) {
      await grow(app, id, known, count)
      known = count
      if (count === counts[0]) await longHistory(app, id)
      const row = await measure(port, id)
      table[count] = row
      process.stdout.write(
        `${String(count).padEnd(10)}${names.map((name) => `${row[name]?.toFixed(1)} ms`.padStart(16)).join('')}\n`,
      )
    }
    process.stdout.write(
      `${JSON.stringify({ bench: 'mlflow-curve', engine: app.ctx.engine.name, milliseconds: table })}\n`,
    )
  } finally {
    await app.close()
    await store.drop()
  }
}

async function grow(app: App, experimentId: string, from: number, to: number): Promise<void> {
  const together = 500
  for (let at = from; at < to; at += together) {
    await transaction(app.ctx, async (ctx) => {
      for (let run = at; run < Math.min(at + together, to); run++) {
        const startedAt = 1_700_000_000_000 + run * 1000
        const { id } = await runs.recordRun(ctx, { experimentId, startedAt, name: `run-${run}` })
        await runs.log(ctx, {
          run: id,
          params: { depth: String(run % 9), rate: String(run % 5) },
          metrics: Array.from({ length: metricsPerRun }, (_, i) => ({
            key: `m${i}`,
            value: ((run * 31 + i) * 2_654_435_761) % 1_000_003,
            step: 0,
            at: startedAt,
          })),
        })
      }
    })
    if (at % 10_000 === 0) process.stderr.write(`  ${at} of ${to} runs\n`)
  }
  await runs.flushJournal(app.ctx)
  if (app.ctx.engine.pool) await app.ctx.engine.pool.query('analyze')
}

async function longHistory(app: App, experimentId: string): Promise<void> {
  const { id } = await runs.recordRun(app.ctx, { experimentId, name: 'long', startedAt: 1_600_000_000_000 })
  for (let step = 0; step < historyPoints; step += 5_000) {
    const metrics = Array.from({ length: 5_000 }, (_, i) => ({
      key: 'loss',
      value: 1 / (step + i + 1),
      step: step + i,
      at: 1_700_000_000_000 + step + i,
    }))
    await runs.log(app.ctx, { run: id, metrics })
    if (step % 100_000 === 0) process.stderr.write(`  ${step} of ${historyPoints} points\n`)
  }
  await runs.flushJournal(app.ctx)
}

async function measure(port: number, experiment: string): Promise<Record<string, number>> {
  const connection = await openConnection(port)
  const search = (body: object) =>
    request('POST', `${v2}/runs/search`, { experiment_ids: [experiment], max_results: 100, ...body })
  const take = async (bytes: Buffer) => {
    await connection.send(bytes)
    const { milliseconds, failed } = await timed(
      connection,
      Array.from({ length: 9 }, () => bytes),
    )
    if (failed > 0) throw new Error('A search failed.')
    return median(milliseconds)
  }
  const page = search({ order_by: ['metrics.m1 ASC'], max_results: 1000 })
  const long = await connection.send(search({ filter: "run_name = 'long'", max_results: 1 }))
  const { runs: found } = JSON.parse(long.body.toString()) as { runs: { info: { run_id: string } }[] }
  const result = {
    newest: await take(search({})),
    'filter + order': await take(search({ filter: 'metrics.m3 > 300000', order_by: ['metrics.m1 DESC'] })),
    'rare match': await take(search({ filter: 'metrics.m3 > 999900', order_by: ['metrics.m1 DESC'] })),
    'page 11': await take(
      await eleventhPage(connection, page, (token) => search({ order_by: ['metrics.m1 ASC'], page_token: token })),
    ),
    history: await take(
      request(
        'GET',
        `${v2}/metrics/get-history-bulk-interval?run_ids=${found[0]?.info.run_id}&metric_key=loss&max_results=320`,
      ),
    ),
  }
  connection.close()
  return result
}

/** The hundred runs behind the first thousand; the first thousand when there are no more. */
async function eleventhPage(
  connection: Awaited<ReturnType<typeof openConnection>>,
  first: Buffer,
  next: (token: string) => Buffer,
): Promise<Buffer> {
  const { body } = await connection.send(first)
  const { next_page_token: token } = JSON.parse(body.toString()) as { next_page_token?: string }
  return token === undefined ? first : next(token)
}
