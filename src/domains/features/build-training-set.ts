import type { Context } from '../../core/context.ts'
import { invalidInput } from '../../core/errors.ts'
import { identifier, type Lake, literal } from '../../core/lake.ts'
import { didYouMean } from '../../core/suggest.ts'
import * as datasets from '../datasets/datasets.ts'
import { joinService, viewTable } from './join-service.ts'
import type { Bounds, PinnedSource } from './pinned-sources.ts'
import { digestRows } from './rows-digest.ts'
import type { ResolvedService } from './rules.ts'

export type TrainingSetRequest = {
  resolved: ResolvedService
  source: string
  /** Column with the time of an example. */
  time: string
  from: string
  to: string
  label: string | undefined
  asOfKnown: boolean
  bounds: Bounds
}

export type TrainingSetFile = { rows: number; columns: string[]; labelMean: number | null; sources: PinnedSource[] }

/** Writes the rows as Parquet: each example with the values of the service as of its own time. */
export function buildTrainingSet(ctx: Context, request: TrainingSetRequest, path: string): Promise<TrainingSetFile> {
  const { resolved, source, label, bounds, asOfKnown } = request
  return ctx.lake.session(async (lake) => {
    await datasets.loadSource(ctx, lake, { source, uptoSeq: bounds.get(source) }, 'examples')
    const present = await tableColumns(lake, 'examples')
    const requested = exampleColumns(present, request)
    await lake.run(entitiesOf(request))
    const joined = await joinService(ctx, lake, { resolved, entities: 'entities', asOfKnown, uptoSeq: bounds })
    const features = resolved.views.flatMap((view) => view.features)
    const labels = label === undefined ? [] : [label]
    const selected = [
      'e._seq as seq',
      'e._moment as "time"',
      ...requested.map((name) => `e.${identifier(name)}`),
      ...features.map((name) => `f.${identifier(name)}`),
      ...labels.map((name) => `e.${identifier(name)}`),
    ]
    const rows = await lake.writeParquet(
      path,
      `select ${selected.join(', ')} from entities e join ${joined} f using (_row) order by _row`,
    )
    return {
      rows,
      columns: ['seq', 'time', ...requested, ...features, ...labels],
      labelMean: label === undefined ? null : await meanOf(lake, path, label),
      sources: await digestSources(ctx, lake, request, requested),
    }
  })
}

function entitiesOf({ time, from, to }: TrainingSetRequest): string {
  const moment = identifier(time)
  return `
    create temp table entities as
    select row_number() over (order by ${moment}, _seq) as _row, ${moment} as _moment, * from examples
    where ${moment} >= ${literal(from)}::timestamp and ${moment} < ${literal(to)}::timestamp`
}

async function tableColumns(lake: Lake, table: string): Promise<string[]> {
  return (await lake.query(`describe ${table}`)).map((row) => String(row['column_name']))
}

/** The request fields, as the source has them; each must be there. */
function exampleColumns(present: string[], { resolved, label, source }: TrainingSetRequest): string[] {
  const needed = resolved.request.map(({ name }) => name)
  for (const name of [...needed, ...(label === undefined ? [] : [label])]) {
    if (!present.includes(name))
      throw invalidInput(`The source "${source}" has no column "${name}".`, { name, hint: didYouMean(name, present) })
  }
  return needed
}

async function meanOf(lake: Lake, path: string, label: string): Promise<number | null> {
  const [row] = await lake.query(`select avg(${identifier(label)}::double) as mean from read_parquet(${literal(path)})`)
  return typeof row?.['mean'] === 'number' ? row['mean'] : null
}

/** Digests of what was read: the columns that count, so that a column which is added later changes none of them. */
async function digestSources(
  ctx: Context,
  lake: Lake,
  { resolved, source, time, label, bounds }: TrainingSetRequest,
  requested: string[],
): Promise<PinnedSource[]> {
  const read = new Map([[source, { table: 'examples', columns: [time, ...requested, ...(label ? [label] : [])] }]])
  for (const [index, { view, keys }] of resolved.views.entries()) {
    const { definition } = await datasets.describeSource(ctx, view.source)
    const times = [definition.time, definition.known_at]
    const aggregated = (view.aggregates ?? []).map(({ of }) => of)
    const columns = [...keys, ...times, ...(view.features ?? []), ...aggregated].filter((name) => name !== undefined)
    const known = read.get(view.source) ?? { table: viewTable(index), columns: [] }
    read.set(view.source, { ...known, columns: [...known.columns, ...columns] })
  }
  const pinned: PinnedSource[] = []
  for (const [name, { table, columns }] of read) {
    const digest = await digestRows(lake, table, [...new Set(columns)].sort())
    pinned.push({ source: name, uptoSeq: bounds.get(name) ?? 0, digest })
  }
  return pinned
}
