import type { Static } from 'typebox'
import { afterCommit, type Context, liveValue } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import { identifier, type Lake } from '../../core/lake.ts'
import { transaction } from '../../core/transaction.ts'
import { append as appendEvent, enqueue } from '../../core/work/work.ts'
import type { datasets, SourceFile } from './contract.ts'
import { compact, withSource } from './relation.ts'
import { checkRows, type Definition, declaredColumns } from './rules.ts'
import type { DatasetsTable, SourcesTable } from './schema.ts'
import * as store from './store.ts'

export { loadSource, withSource } from './relation.ts'

type Operations = typeof datasets
type Source = Output<Operations['getSource']>
type Dataset = Output<Operations['getDataset']>

export type StoredRow = { seq: number; ingestedAt: string; row: Record<string, unknown> }
type Listener = (source: string, rows: StoredRow[]) => void

const listeners = (ctx: Context) => liveValue(ctx, 'datasets.listeners', () => new Set<Listener>())

/** Called in this process after rows are on disk. */
export function onAppend(ctx: Context, listener: Listener): void {
  listeners(ctx).add(listener)
}

/** Declares or changes a source; its rows stay. */
export function applySource(ctx: Context, definition: Static<typeof SourceFile>): Promise<void> {
  return transaction(ctx, async (ctx) => {
    const old = await store.findSource(ctx, definition.source)
    await store.saveSource(ctx, {
      name: definition.source,
      definition: JSON.stringify(definition),
      vetted: definition.vetted ? 1 : 0,
      last_seq: Number(old?.last_seq ?? 0),
      first_time: old?.first_time ?? null,
      last_time: old?.last_time ?? null,
      updated_at: ctx.now().toISOString(),
    })
    const known = await store.findColumns(ctx, definition.source)
    await store.saveColumns(ctx, definition.source, { ...declaredColumns(definition), ...known })
    await appendEvent(ctx, 'datasets.source_applied', `source/${definition.source}`, {
      vetted: definition.vetted ?? null,
    })
  })
}

export async function listSources(ctx: Context): Promise<Output<Operations['listSources']>> {
  return { items: (await store.listSources(ctx)).map(toSource) }
}

export async function getSource(ctx: Context, { source }: Input<Operations['getSource']>): Promise<Source> {
  return toSource(await requireSource(ctx, source))
}

/** Rows in the database before they are moved into a segment. */
const tailLimit = 20_000

export async function append(
  ctx: Context,
  { source, rows }: Input<Operations['append']>,
): Promise<Output<Operations['append']>> {
  return transaction(ctx, async (ctx) => {
    const row = await requireSource(ctx, source)
    const definition = JSON.parse(row.definition) as Definition
    const known = await store.findColumns(ctx, source)
    const checked = checkRows(definition, known, rows)
    const first = Number(row.last_seq) + 1
    const ingestedAt = ctx.now().toISOString()
    const stored = checked.rows.map((content, index): StoredRow => ({ seq: first + index, ingestedAt, row: content }))
    await store.insertRows(
      ctx,
      stored.map(({ seq, row }) => ({ source, seq, ingested_at: ingestedAt, content: JSON.stringify(row) })),
    )
    const changed = Object.entries(checked.columns).filter(([name, type]) => known[name] !== type)
    await store.saveColumns(ctx, source, Object.fromEntries(changed))
    const lastSeq = first + rows.length - 1
    await store.saveSource(ctx, {
      ...row,
      ...span(row, definition.time, checked.rows),
      last_seq: lastSeq,
      updated_at: ingestedAt,
    })
    await appendEvent(ctx, 'datasets.rows_appended', `source/${source}`, { rows: rows.length, lastSeq })
    if ((await store.tailSize(ctx, source)) > tailLimit) {
      await enqueue(ctx, {
        kind: 'datasets.compact',
        payload: { source },
        key: `datasets.compact/${source}/${lastSeq}`,
      })
    }
    afterCommit(ctx, () => {
      for (const listen of listeners(ctx)) listen(source, stored)
    })
    return { appended: rows.length, lastSeq }
  })
}

function span(
  row: SourcesTable,
  column: string | undefined,
  rows: Record<string, unknown>[],
): Pick<SourcesTable, 'first_time' | 'last_time'> {
  const times = column === undefined ? [] : rows.map((content) => String(content[column]))
  const all = [...times, row.first_time, row.last_time].filter((time) => time !== null).sort()
  return { first_time: all[0] ?? null, last_time: all.at(-1) ?? null }
}

export async function compactSource(ctx: Context, payload: Record<string, unknown>): Promise<unknown> {
  return compact(ctx, String(payload['source']))
}

export async function snapshot(ctx: Context, { source }: Input<Operations['snapshot']>): Promise<Dataset> {
  const found = await requireSource(ctx, source)
  const uptoSeq = Number(found.last_seq)
  const columns = Object.keys(await store.findColumns(ctx, source))
  const { digest, rows, profile } = await withSource(ctx, { source, uptoSeq }, async (lake, table) => ({
    ...(await contentDigest(lake, table, columns)),
    profile: await profileOf(lake, table, columns),
  }))
  const row: DatasetsTable = {
    id: ctx.id('ds'),
    source,
    upto_seq: uptoSeq,
    row_count: rows,
    digest,
    vetted: found.vetted,
    profile: JSON.stringify(profile),
    created_at: ctx.now().toISOString(),
  }
  await transaction(ctx, async (ctx) => {
    await store.insertDataset(ctx, row)
    await appendEvent(ctx, 'datasets.snapshot_taken', `source/${source}`, { dataset: row.id, digest })
  })
  return toDataset(row)
}

/** One digest over all rows in order, whatever segments they lie in. */
async function contentDigest(lake: Lake, table: string, columns: string[]): Promise<{ digest: string; rows: number }> {
  const fields = columns.map((name) => `${identifier(name)} := ${identifier(name)}`).join(', ')
  const one = columns.length === 0 ? `''` : `to_json(struct_pack(${fields}))::varchar`
  const [row] = await lake.query(
    `select count(*) as n, sha256(coalesce(string_agg(sha256(${one}), '' order by _seq), '')) as digest from ${table}`,
  )
  return { digest: `sha256:${String(row?.['digest'])}`, rows: Number(row?.['n']) }
}

async function profileOf(lake: Lake, table: string, columns: string[]): Promise<Dataset['profile']> {
  const profile: Dataset['profile'] = []
  for (const column of columns) {
    const name = identifier(column)
    const [row] = await lake.query(`
      select typeof(any_value(${name})) as type, count(*) - count(${name}) as nulls, count(distinct ${name}) as n,
        min(${name})::varchar as low, max(${name})::varchar as high, avg(try_cast(${name} as double)) as mean from ${table}`)
    const numeric = ['DOUBLE', 'BIGINT'].includes(String(row?.['type']))
    const bound = (value: unknown) =>
      value === null || value === undefined ? null : numeric ? Number(value) : String(value)
    profile.push({
      column,
      type: String(row?.['type'] ?? 'unknown').toLowerCase(),
      nulls: Number(row?.['nulls']),
      distinct: Number(row?.['n']),
      min: bound(row?.['low']),
      max: bound(row?.['high']),
      mean: typeof row?.['mean'] === 'number' ? row['mean'] : null,
    })
  }
  return profile
}

export async function listDatasets(
  ctx: Context,
  { source, limit = 100, cursor }: Input<Operations['listDatasets']>,
): Promise<Output<Operations['listDatasets']>> {
  const rows = await store.listDatasets(ctx, source, cursor, limit)
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { items: rows.map(toDataset), ...(last ? { next: last.id } : {}) }
}

export async function getDataset(ctx: Context, { dataset }: Input<Operations['getDataset']>): Promise<Dataset> {
  const row = await store.findDataset(ctx, dataset)
  if (!row) throw notFound('Dataset', dataset)
  return toDataset(row)
}

async function requireSource(ctx: Context, name: string): Promise<SourcesTable> {
  const row = await store.findSource(ctx, name)
  if (!row)
    throw notFound('Source', name, 'Declare it in sources/ and run "keel apply"; list them with "keel data list".')
  return row
}

function toSource(row: SourcesTable): Source {
  return {
    name: row.name,
    definition: JSON.parse(row.definition) as Definition,
    vetted: row.vetted === 1,
    rows: Number(row.last_seq),
    firstTime: row.first_time,
    lastTime: row.last_time,
    lastSeq: Number(row.last_seq),
    updatedAt: row.updated_at,
  }
}

function toDataset(row: DatasetsTable): Dataset {
  return {
    id: row.id,
    source: row.source,
    uptoSeq: Number(row.upto_seq),
    rows: Number(row.row_count),
    digest: row.digest,
    vetted: row.vetted === 1,
    profile: JSON.parse(row.profile) as Dataset['profile'],
    createdAt: row.created_at,
  }
}
