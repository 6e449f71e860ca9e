import type { Static } from 'typebox'
import type { Output } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { type ColumnType, parseIsoTime, type Row, type TableOptions } from '../../core/tables/tables.ts'
import { withoutUndefined } from '../../core/without-undefined.ts'
import type { GoldenFile } from '../../domains/evaluation/contract.ts'
import type { FeaturesFile } from '../../domains/features/contract.ts'
import type { registry } from '../../domains/registry/contract.ts'
import type { ModelSpec } from '../../domains/registry/spec/spec.ts'
import { allRows, openRows, type Say } from './rows.ts'

type Definition = Static<typeof GoldenFile>
export type Inputs = NonNullable<Output<(typeof registry)['getVersion']>['signature']>['inputs']
type Neighbours = {
  models: readonly ModelSpec[]
  features: readonly Static<typeof FeaturesFile>[]
  /** What the newest version of a model reads by its signature; empty where there is none. */
  inputsOf?: ((model: string) => Promise<Inputs>) | undefined
}
type GoldenFileInput = TableOptions & { path: string; neighbours: Neighbours; say: Say }

/** The items of a golden set. What its models read decides the types; only what nobody declared is guessed. */
export async function readGoldenItems(
  definition: Definition,
  { path, neighbours, say, ...typed }: GoldenFileInput,
): Promise<Row[]> {
  const types = await declaredTypes(definition, neighbours)
  const options = { ...writtenAs(definition), ...withoutUndefined(typed) }
  // A time stays as it is written, so that the digest of a golden set does; another form than ISO 8601 could not.
  if (definition.time !== undefined) types.set(definition.time, options.timeFormat === undefined ? 'string' : 'time')
  const items = await allRows(await openRows(path, { ...options, types, shown: definition.file }, say))
  if (definition.time !== undefined) checkTimes(items, definition.time, definition.file)
  return items
}

/** How the set says that its file is written; an option of the command goes first. */
function writtenAs({ separator, decimal, encoding, time_format: timeFormat }: Definition): TableOptions {
  return { separator, decimal, encoding, timeFormat }
}

/**
 * Column -> type, as the feature services of the models that are judged by this set say it, and for what these do not name the
 * signatures of their newest versions.
 */
async function declaredTypes(
  definition: Definition,
  { models, features, inputsOf }: Neighbours,
): Promise<Map<string, ColumnType>> {
  const types = new Map<string, ColumnType>()
  const judged = models.filter(({ golden }) => golden === definition.golden)
  const own = [definition.id, definition.time, definition.label, definition.list, definition.cluster]
  for (const { model } of judged)
    for (const { name, type } of (await inputsOf?.(model)) ?? []) if (!own.includes(name)) types.set(name, type)
  for (const { serves } of judged) {
    const service = features.flatMap(({ services }) => services).find(({ name }) => name === serves.service)
    for (const { name, type } of service?.request ?? []) types.set(name, type)
    if (serves.output === 'text') types.set(definition.label, 'string')
    if (serves.output === 'regression') types.set(definition.label, 'number')
  }
  return types
}

function checkTimes(items: readonly Row[], column: string, file: string): void {
  items.forEach((item, index) => {
    const value = item[column]
    if (typeof value !== 'string' || value === '' || parseIsoTime(value) !== undefined) return
    throw new AppError('invalid_file', `"${file}": row ${index + 1}, column "${column}": "${value}" is not a time.`, {
      name: column,
      hint: 'Write it as 2026-01-31T09:00:00Z, or name its format with --time-format, or as time_format of the set.',
    })
  })
}
