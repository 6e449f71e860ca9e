import { unschedule } from '../../../core/background/background.ts'
import { type Context, liveValue } from '../../../core/context.ts'
import type { Input, Output } from '../../../core/contract.ts'
import { conflict, toAppError } from '../../../core/errors.ts'
import type { JobOutput } from '../../../core/job-contract.ts'
import { digestOfJson } from '../../../core/json/json.ts'
import { transaction } from '../../../core/transaction.ts'
import type { datasets } from '../contract.ts'
import { append as appendEvent } from '../events.ts'
import { enqueue, type jobs, schedule } from '../jobs.ts'
import { requireSource } from '../required-source.ts'
import type { Definition } from '../rules.ts'
import { fetchFiles } from './fetch-files.ts'
import { fetchPostgres } from './fetch-postgres.ts'
import * as store from './fetch-store.ts'
import { openProgress } from './progress.ts'

type Operations = typeof datasets
type Fetched = Output<Operations['fetch']>
type Done = JobOutput<(typeof jobs)['datasets.fetch']>

const crons = {
  '1m': '* * * * *',
  '5m': '*/5 * * * *',
  '15m': '*/15 * * * *',
  '30m': '*/30 * * * *',
  '1h': '0 * * * *',
  '6h': '0 */6 * * *',
  '12h': '0 */12 * * *',
  '1d': '0 0 * * *',
}

const shownBadRows = 20

/** In the transaction that applies a definition: looks at its place now, and then again and again. */
export async function planFetches(ctx: Context, { source, from }: Definition): Promise<void> {
  const name = `fetch/${source}`
  if (from === undefined) return unschedule(ctx, name)
  await schedule(ctx, { name, kind: 'datasets.fetch', payload: { source }, cron: crons[from.every ?? '15m'] })
  await enqueue(ctx, { kind: 'datasets.fetch', payload: { source }, key: `datasets.fetch/${ctx.id('now')}` })
}

export async function fetch(ctx: Context, { source }: Input<Operations['fetch']>): Promise<Fetched> {
  const { definition } = await requireSource(ctx, source)
  if (definition.from === undefined)
    throw conflict(`The source "${source}" does not say where its rows are fetched from.`, {
      name: source,
      hint: `Say it under "from" in sources/${source}.yaml, or push rows with "keel data push ${source} <file>".`,
    })
  await fetchSource(ctx, { source })
  const done = await lastFetch(ctx, source)
  if (!done) throw new RangeError(`"${source}" was fetched and nothing is known of it`)
  return done
}

const running = (ctx: Context) => liveValue(ctx, 'datasets.fetching', () => new Map<string, Promise<Done>>())

/** The job: takes what is new, as far as it can be read; one look after the other. */
export function fetchSource(ctx: Context, { source }: { source: string }): Promise<Done> {
  const before = running(ctx).get(source) ?? Promise.resolve()
  const look = before.catch(() => undefined).then(() => lookAt(ctx, source))
  running(ctx).set(source, look)
  return look.finally(() => {
    if (running(ctx).get(source) === look) running(ctx).delete(source)
  })
}

async function lookAt(ctx: Context, source: string): Promise<Done> {
  const { definition } = await requireSource(ctx, source)
  const { from } = definition
  if (from === undefined) return { rows: 0, bad: 0, problem: null }
  const { every: _, ...place } = from
  const progress = await openProgress(ctx, source, digestOfJson(place))
  const problem = await ('files' in from ? fetchFiles(ctx, from, progress) : fetchPostgres(ctx, from, progress)).catch(
    (error: unknown) => reasonOf(ctx, source, error),
  )
  const { rows, bad, lost } = progress
  if (lost) return { rows, bad, problem: null }
  await transaction(ctx, async (ctx) => {
    const before = await store.findFetch(ctx, source)
    if (!before) return
    await store.saveFetch(ctx, { ...before, at: ctx.now().toISOString(), rows, problem })
    if (problem !== null && problem !== before.problem)
      await appendEvent(ctx, 'datasets.fetch_failed', `source/${source}`, { problem })
    if (problem === null && before.problem !== null)
      await appendEvent(ctx, 'datasets.fetch_recovered', `source/${source}`, {})
  })
  return { rows, bad, problem }
}

const longestReason = 500

function reasonOf(ctx: Context, source: string, error: unknown): string {
  const { code, message } = toAppError(error)
  if (code === 'internal') ctx.log.error({ err: error, source }, 'a source could not be fetched')
  const sentence = message.replace(/\.$/, '')
  return sentence.length > longestReason ? `${sentence.slice(0, longestReason - 1)}…` : sentence
}

/** What the last look came to; undefined before the first. */
export async function lastFetch(ctx: Context, source: string): Promise<Fetched | undefined> {
  const found = await store.findFetch(ctx, source)
  if (!found || found.at === '') return undefined
  const badRows = await store.listBadRows(ctx, source, shownBadRows)
  const { at, rows, bad, problem } = found
  return {
    at,
    rows: Number(rows),
    bad: Number(bad),
    badRows: badRows.map(({ file, row, what }) => ({ file, row: Number(row), what })),
    problem,
  }
}

/** Sources whose last look did not see all of their place, each with the reason. */
export async function fetchProblems(ctx: Context): Promise<{ source: string; problem: string }[]> {
  return (await store.listProblems(ctx)).flatMap(({ source, problem }) =>
    problem === null ? [] : [{ source, problem }],
  )
}
