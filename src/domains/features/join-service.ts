import { rm, writeFile } from 'node:fs/promises'
import type { Context } from '../../core/context.ts'
import { invalidInput } from '../../core/errors.ts'
import { exactJson } from '../../core/json/json.ts'
import { fromLake, identifier, type Lake, literal } from '../../core/lake.ts'
import { scratchPath } from '../../core/scratch.ts'
import * as datasets from '../datasets/datasets.ts'
import { serviceOf } from './definitions.ts'
import { joinView } from './join-view.ts'
import { sameKeys } from './key-sql.ts'
import { keyValue, requestKey } from './key-types.ts'
import type { ResolvedService } from './rules.ts'

type Values = Record<string, number | string | null>

/** Adds to the session one table `features_of` with `_row` and every feature of the service, for the rows of `entities`. */
export async function joinService(
  ctx: Context,
  lake: Lake,
  {
    resolved,
    entities,
    asOfKnown,
    uptoSeq,
  }: { resolved: ResolvedService; entities: string; asOfKnown: boolean; uptoSeq?: ReadonlyMap<string, number> },
): Promise<string> {
  const tables: string[] = []
  for (const [index, view] of resolved.views.entries()) {
    const { source } = view.view
    const { definition } = await datasets.describeSource(ctx, source)
    const table = `view_${index}`
    await datasets.loadSource(ctx, lake, { source, uptoSeq: uptoSeq?.get(source) }, viewTable(index))
    const { keys, types } = view
    await joinView(
      lake,
      {
        entities,
        source: viewTable(index),
        resolved: view,
        sameKeys: await sameKeys(lake, { entities, rows: viewTable(index), source, keys, types }),
        time: definition.time ?? '_ingested_at',
        knownAt: definition.known_at,
        asOfKnown,
      },
      table,
    )
    tables.push(table)
  }
  const features = resolved.views.flatMap((view, index) =>
    view.features.map((name) => `${tables[index]}.${identifier(name)}`),
  )
  const joins = tables.map((table) => `left join ${table} on ${table}._row = e._row`)
  await lake.run(
    `create temp table features_of as select ${['e._row', ...features].join(', ')} from ${entities} e ${joins.join(' ')}`,
  )
  return 'features_of'
}

/** Where the session has the rows of the source of a view, by the view's place in the service. */
export function viewTable(index: number): string {
  return `rows_${index}`
}

type Lookup = {
  service: string
  rows: { time: string; request: Record<string, unknown> }[]
  asOf:
    | 'known'
    | 'event' /** What becomes of a key of another type: logged rows of before keys had one match nothing. */
  unfit?: 'refuse' | 'nothing'
}

/** The values of a service for given moments, in the order of the rows: what serving saw then, recomputed from the sources. */
export async function lookupAsOf(ctx: Context, { service, rows, asOf, unfit = 'refuse' }: Lookup): Promise<Values[]> {
  const resolved = await serviceOf(ctx, service)
  const requested = rows.map(({ request }) =>
    Object.fromEntries(resolved.request.map(({ name }) => [name, scalar(request[name], name)])),
  )
  if (resolved.views.length === 0) return requested
  const types = new Map(resolved.views.flatMap((view) => [...view.types]))
  const keys = [...new Set(resolved.views.flatMap((view) => view.keys))]
  const keyOf = (request: Record<string, unknown>, key: string) =>
    unfit === 'refuse'
      ? requestKey(request[key], key, types.get(key))
      : (keyValue(request[key], types.get(key)) ?? null)
  const path = scratchPath(ctx, '.ndjson')
  const lines = rows.map(
    ({ time, request }, row) =>
      `${exactJson({ ...Object.fromEntries(keys.map((key) => [key, textOf(keyOf(request, key))])), _row: row, _moment: time })}\n`,
  )
  await writeFile(path, lines.join(''))
  try {
    return await ctx.lake.session(async (lake) => {
      const columns = [`'_row': 'bigint'`, `'_moment': 'timestamp'`, ...keys.map((key) => `${literal(key)}: 'varchar'`)]
      await lake.run(
        `create temp table entities as select * from read_json(${literal(path)}, format = 'newline_delimited', columns = {${columns.join(', ')}})`,
      )
      const table = await joinService(ctx, lake, { resolved, entities: 'entities', asOfKnown: asOf === 'known' })
      const found = await lake.query(`select * from ${table} order by _row`)
      return found.map((row, index) => ({ ...requested[index], ...plain(row) }))
    })
  } finally {
    await rm(path, { force: true })
  }
}

/** As a text that is read as the key's type again. */
function textOf(key: ReturnType<typeof requestKey>): string | null {
  return key === null ? null : String(key)
}

function plain(row: Record<string, unknown>): Values {
  const entries = Object.entries(row).filter(([name]) => !name.startsWith('_'))
  return Object.fromEntries(entries.map(([name, value]) => [name, scalar(fromLake(value), name)]))
}

export function scalar(value: unknown, name: string): number | string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'number' || typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'bigint') return String(value)
  throw invalidInput(`"${name}" must be a number or a string.`, { name })
}
