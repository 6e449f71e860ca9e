import type { Context } from '../../../core/context.ts'
import { day } from '../../../core/duration.ts'
import type { JobOutput } from '../../../core/job-contract.ts'
import { identifier, type Lake } from '../../../core/lake.ts'
import { addToSketch, createReference, createSketch, mergeSketches, type Sketch } from '../../../core/stats/sketch.ts'
import { millisecondsOf } from '../../../core/time.ts'
import { transaction } from '../../../core/transaction.ts'
import * as datasets from '../../datasets/datasets.ts'
import { evaluateAlertRules } from '../alerts/alerts.ts'
import { enqueue, type jobs } from '../jobs.ts'
import { defaultRules } from '../rules.ts'
import * as store from '../store.ts'
import { hourlySketches, saveHours } from '../windows/windows.ts'
import { signalsFromSource, sourceSignal, stale } from './source-rules.ts'

const minRows = 300
const maxReference = 50_000
const keptChecks = 20

type SourceCheckResult = JobOutput<(typeof jobs)['monitoring.source']>

/** New rows are checked once a day; the first append of a day schedules the check. */
export async function scheduleSourceCheck(ctx: Context, { source, at }: { source: string; at: string }): Promise<void> {
  const end = new Date((Math.floor(millisecondsOf(at) / day) + 1) * day)
  const key = `monitoring.source/${source}/${end.toISOString().slice(0, 10)}`
  await enqueue(ctx, { kind: 'monitoring.source', payload: { source }, key, runAt: end })
}

/** Checks the rows that arrived since the last check. No row is counted twice; a check that was interrupted begins again. */
export async function checkSource(ctx: Context, { source }: { source: string }): Promise<SourceCheckResult> {
  const { definition, lastSeq } = await datasets.describeSource(ctx, source)
  const stored = await store.findSourceWatch(ctx, source)
  const watch = stored?.content
  const after = Number(stored?.upto_seq ?? 0)
  if (lastSeq === after) return watch ? checkSilence(ctx, source, watch) : { rows: 0 }
  if (!watch && lastSeq < minRows) return { rows: lastSeq, waiting: true }
  const now = ctx.now().toISOString()
  const keys = [...(definition.key ?? []), definition.time, definition.known_at].filter((name) => name !== undefined)
  const arrived = await ctx.lake.session(async (lake) => {
    await datasets.loadSource(ctx, lake, { source, afterSeq: after, uptoSeq: lastSeq }, 'arrived')
    const names = await columnsOf(lake)
    const columns = watch?.columns ?? (await firstProfile(lake, names, keys))
    const hourly = hourlySketches(
      new Map(Object.entries(columns).map(([name, { sketch }]) => [name, sketch.reference])),
    )
    await eachRow(lake, { after, upto: lastSeq }, (row) => hourly.add(String(row['_at']), (name) => row[name]))
    return { columns, names, hours: hourly.hours, duplicates: await duplicatesOf(lake, definition.key, names) }
  })
  const rows = lastSeq - after
  const seen = watch ? Math.max(day / 24, millisecondsOf(now) - millisecondsOf(watch.lookedAt)) : day
  const whole = mergeHours(arrived.hours)
  const known = new Set(Object.keys(arrived.columns))
  const fresh = arrived.names.filter((column) => !known.has(column))
  const signals = watch
    ? signalsFromSource(source, {
        rows,
        duplicates: arrived.duplicates,
        columns: [
          ...Object.entries(arrived.columns).map(([column, { sketch, identity }]) => ({
            column,
            before: sketch,
            now: whole.get(column),
            identity,
          })),
          ...fresh.map((column) => ({ column, before: undefined, now: undefined, identity: false })),
        ],
        earlierRates: watch.rates,
        rate: (rows / seen) * day,
      })
    : []
  const reported = new Set(signals.map(({ subject }) => subject.split('/')[1]))
  const next: store.SourceWatch = {
    columns: Object.fromEntries(
      Object.entries(arrived.columns).map(([column, { sketch, identity }]) => {
        const now = whole.get(column)
        return [column, { sketch: watch && now && !reported.has(column) ? mergeCounts(sketch, now) : sketch, identity }]
      }),
    ),
    rates: watch ? [(rows / seen) * day, ...watch.rates].slice(0, keptChecks) : [],
    gaps: watch ? [seen, ...watch.gaps].slice(0, keptChecks) : [],
    lookedAt: now,
  }
  await transaction(ctx, async (ctx) => {
    await saveHours(ctx, { scope: `source/${source}`, reference: `source/${source}`, hours: arrived.hours })
    await store.saveSourceWatch(ctx, { source, upto_seq: lastSeq, content: next })
    await evaluateSourceRules(ctx, source, signals, watch?.lookedAt ?? now)
    await scheduleSilenceCheck(ctx, source, next)
  })
  return { rows, findings: signals.length }
}

function evaluateSourceRules(
  ctx: Context,
  source: string,
  signals: Parameters<typeof evaluateAlertRules>[2],
  from: string,
): Promise<void> {
  const scope = { model: `source.${source}`, release: '', from, to: ctx.now().toISOString() }
  return evaluateAlertRules(ctx, scope, signals, { rules: defaultRules, alertsPerWeek: Number.POSITIVE_INFINITY })
}

/** Schedules a check for the time by which new rows should have come. */
async function scheduleSilenceCheck(
  ctx: Context,
  source: string,
  { gaps, lookedAt }: store.SourceWatch,
): Promise<void> {
  if (gaps.length === 0) return
  const runAt = new Date(millisecondsOf(lookedAt) + 3 * Math.max(...gaps) + day)
  await enqueue(ctx, {
    kind: 'monitoring.source',
    payload: { source },
    key: `monitoring.silence/${source}/${lookedAt}`,
    runAt,
  })
}

async function checkSilence(
  ctx: Context,
  source: string,
  { gaps, lookedAt }: store.SourceWatch,
): Promise<SourceCheckResult> {
  const silentFor = ctx.now().getTime() - millisecondsOf(lookedAt)
  if (!stale(gaps, silentFor)) return { rows: 0 }
  const days = silentFor / day
  const words = `"${source}" got no rows for ${days.toFixed(1)} days.`
  await transaction(ctx, (ctx) =>
    evaluateSourceRules(
      ctx,
      source,
      [sourceSignal('freshness', words, { value: days, n: gaps.length }, (3 * Math.max(...gaps)) / day)],
      lookedAt,
    ),
  )
  return { rows: 0, stale: true }
}

async function columnsOf(lake: Lake): Promise<string[]> {
  const rows = await lake.query('describe arrived')
  return rows.map((row) => String(row['column_name'])).filter((name) => !name.startsWith('_'))
}

const rowsPerRead = 10_000

async function eachRow(
  lake: Lake,
  { after, upto }: { after: number; upto: number },
  take: (row: Record<string, unknown>) => void,
): Promise<void> {
  for (let from = after; from < upto; from += rowsPerRead) {
    const rows = await lake.query(
      `select *, strftime(_ingested_at, '%Y-%m-%dT%H:%M:%SZ') as _at from arrived where _seq > ${from} and _seq <= ${from + rowsPerRead}`,
    )
    for (const row of rows) take(row)
  }
}

/** Bins from the first rows. Keys, times and texts that hardly repeat identify rows, so their values are not compared. */
async function firstProfile(lake: Lake, names: string[], keys: string[]): Promise<store.SourceWatch['columns']> {
  const columns: store.SourceWatch['columns'] = {}
  for (const column of names) {
    const rows = await lake.query(`select ${identifier(column)} as v from arrived using sample ${maxReference} rows`)
    const values = rows.map(({ v }) => (v instanceof Date ? null : v))
    const known = values.filter((value) => value !== null)
    const numeric = known.length > 0 && known.every((value) => typeof value === 'number' || typeof value === 'bigint')
    const identity = keys.includes(column) || known.length === 0 || (!numeric && new Set(known).size > known.length / 2)
    const reference = createReference({ kind: numeric ? 'numeric' : 'categorical', values: identity ? [] : values })
    const sketch = createSketch(reference)
    for (const value of values) addToSketch(sketch, value)
    columns[column] = { sketch, identity }
  }
  return columns
}

async function duplicatesOf(lake: Lake, key: string[] | undefined, names: string[]): Promise<number> {
  const columns = (key ?? names).filter((name) => names.includes(name)).map(identifier)
  if (columns.length === 0) return 0
  const [row] = await lake.query(`select count(*) - count(distinct (${columns.join(', ')}, 0)) as n from arrived`)
  return Number(row?.['n'])
}

function mergeHours(hours: ReadonlyMap<string, ReadonlyMap<string, Sketch>>): Map<string, Sketch> {
  const merged = new Map<string, Sketch>()
  for (const sketches of hours.values()) {
    for (const [column, sketch] of sketches) {
      const before = merged.get(column)
      merged.set(column, before ? mergeSketches(before, sketch) : sketch)
    }
  }
  return merged
}

function mergeCounts(before: Sketch, now: Sketch): Sketch {
  return mergeSketches(before, { ...now, reference: before.reference })
}
