import type { Static } from 'typebox'
import { AppError } from '../../core/errors.ts'
import { type ColumnType, parseIsoTime, type Row, type TableOptions } from '../../core/tables/tables.ts'
import type { GoldenFile } from '../../domains/evaluation/contract.ts'
import type { FeaturesFile } from '../../domains/features/contract.ts'
import type { ModelSpec } from '../../domains/registry/spec/spec.ts'
import { allRows, openRows, type Say } from './rows.ts'

type Definition = Static<typeof GoldenFile>
type Neighbours = { models: readonly ModelSpec[]; features: readonly Static<typeof FeaturesFile>[] }
type GoldenFileInput = TableOptions & { path: string; neighbours: Neighbours; say: Say }

/** The items of a golden set. What its models read decides the types; only what nobody declared is guessed. */
export async function readGoldenItems(
  definition: Definition,
  { path, neighbours, say, ...options }: GoldenFileInput,
): Promise<Row[]> {
  const types = declaredTypes(definition, neighbours)
  // A time stays as it is written, so that the digest of a golden set does; another form than ISO 8601 could not.
  if (definition.time !== undefined) types.set(definition.time, options.timeFormat === undefined ? 'string' : 'time')
  const items = await allRows(await openRows(path, { ...options, types, shown: definition.file }, say))
  if (definition.time !== undefined) checkTimes(items, definition.time, definition.file)
  return items
}

/** Column -> type, as the feature services of the models that are judged by this set say it. */
function declaredTypes(definition: Definition, { models, features }: Neighbours): Map<string, ColumnType> {
  const types = new Map<string, ColumnType>()
  const judged = models.filter(({ golden }) => golden === definition.golden)
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
      hint: 'Write it as 2026-01-31T09:00:00Z, or name its format with --time-format.',
    })
  })
}
