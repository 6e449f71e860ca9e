import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { notFound } from '../../core/errors.ts'
import { identifier, type Lake } from '../../core/lake.ts'
import { nextOf } from '../../core/paging.ts'
import { transaction } from '../../core/transaction.ts'
import type { datasets } from './contract.ts'
import { append as appendEvent } from './events.ts'
import { withSource } from './readable.ts'
import { requireSource } from './required-source.ts'
import * as store from './store.ts'

type Operations = typeof datasets

type Dataset = Output<Operations['getDataset']>

export async function snapshot(ctx: Context, { source }: Input<Operations['snapshot']>): Promise<Dataset> {
  const found = await requireSource(ctx, source)
  const uptoSeq = found.last_seq
  const columns = Object.keys(await store.findColumns(ctx, source))
  const { digest, rows, profile } = await withSource(ctx, { source, uptoSeq }, async (lake, table) => ({
    ...(await contentDigest(lake, table, columns)),
    profile: await profileOf(lake, table, columns),
  }))
  const row: store.DatasetRecord = {
    id: ctx.id('ds'),
    source,
    upto_seq: uptoSeq,
    row_count: rows,
    digest,
    vetted: found.vetted,
    profile,
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
    const numeric = ['DOUBLE', 'BIGINT', 'DECIMAL(20,0)'].includes(String(row?.['type']))
    const bound = (value: unknown) => (numeric ? numberOrDigits(value) : textOrNull(value))
    profile.push({
      column,
      type: String(row?.['type'] ?? 'unknown').toLowerCase(),
      nulls: Number(row?.['nulls']),
      distinct: Number(row?.['n']),
      min: bound(row?.['low']),
      max: bound(row?.['high']),
      mean: numeric && typeof row?.['mean'] === 'number' ? row['mean'] : null,
    })
  }
  return profile
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value)
}

/** A bound as a number, or as its digits where a number would round them. */
function numberOrDigits(value: unknown): number | string | null {
  const text = textOrNull(value)
  if (text === null) return null
  const number = Number(text)
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(number) ? text : number
}

export async function listDatasets(
  ctx: Context,
  { source, limit = 100, cursor }: Input<Operations['listDatasets']>,
): Promise<Output<Operations['listDatasets']>> {
  const rows = await store.listDatasets(ctx, source, cursor, limit)
  return { items: rows.map(toDataset), ...nextOf(rows, limit, ({ id }) => id) }
}

export async function getDataset(ctx: Context, { dataset }: Input<Operations['getDataset']>): Promise<Dataset> {
  const row = await store.findDataset(ctx, dataset)
  if (!row) throw notFound('Dataset', dataset)
  return toDataset(row)
}

function toDataset(row: store.DatasetRecord): Dataset {
  return {
    id: row.id,
    source: row.source,
    uptoSeq: row.upto_seq,
    rows: row.row_count,
    digest: row.digest,
    vetted: row.vetted,
    profile: row.profile,
    createdAt: row.created_at,
  }
}
