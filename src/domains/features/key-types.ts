import type { Static } from 'typebox'
import { invalidInput } from '../../core/errors.ts'
import { isRefusal, shortened, toKey } from '../../core/tables/tables.ts'
import type { Entity as EntityShape, FeaturesFile } from './contract.ts'

type Definitions = Static<typeof FeaturesFile>
type Entity = Static<typeof EntityShape>

/** What the values of a key are: one type at both ends, in sources and in requests. */
export type KeyType = 'string' | 'integer' | 'number'

type KeyDeclaration = { type: KeyType; by: string }
export type DeclaredColumns = Record<string, string>

export function keyNames({ keys }: Entity): string[] {
  return keys.map((key) => (typeof key === 'string' ? key : key.name))
}

/** The type of each key of an entity: its own, else what a service that asks for it calls it. */
export function keyTypes(definitions: Definitions, entity: Entity): Map<string, KeyType> {
  const types = new Map<string, KeyType>()
  for (const name of keyNames(entity)) {
    const [first] = sayings(definitions, entity, name)
    if (first) types.set(name, first.type)
  }
  return types
}

function sayings({ views, services }: Definitions, entity: Entity, key: string): KeyDeclaration[] {
  const said: KeyDeclaration[] = []
  for (const given of entity.keys)
    if (typeof given !== 'string' && given.name === key)
      said.push({ type: given.type, by: `the entity "${entity.name}"` })
  const own = new Set(views.filter((view) => view.entity === entity.name).map(({ name }) => name))
  for (const { name, request = [], features = [] } of services) {
    if (!features.some((feature) => own.has(feature.split(':')[0] ?? ''))) continue
    const field = request.find((one) => one.name === key)
    if (field) said.push({ type: field.type, by: `the service "${name}"` })
  }
  return said
}

/** For each source the columns that are keys of an entity, with their types; two types of one key are refused, naming both. */
export function keyColumns(
  definitions: Definitions,
  declared: ReadonlyMap<string, DeclaredColumns>,
): Map<string, Record<string, KeyType>> {
  const columns = new Map<string, Map<string, KeyDeclaration>>()
  for (const { entity: name, source } of definitions.views) {
    const entity = definitions.entities.find((one) => one.name === name)
    if (!entity) continue
    const known = columns.get(source) ?? new Map<string, KeyDeclaration>()
    columns.set(source, known)
    for (const key of keyNames(entity)) {
      const [first, ...others] = [...sayings(definitions, entity, key), ...[known.get(key)].filter((one) => !!one)]
      if (!first) continue
      for (const other of others) if (isText(first.type) !== isText(other.type)) throw twoTypes(key, first, other)
      const column = declared.get(source)?.[key]
      if (
        column !== undefined &&
        (isText(first.type) ? column !== 'string' : !['integer', 'big_integer', 'number'].includes(column))
      )
        throw twoTypes(key, first, { type: column, by: `the source "${source}"` })
      known.set(key, first)
    }
  }
  return new Map(
    [...columns].map(([source, keys]) => [source, Object.fromEntries([...keys].map(([key, { type }]) => [key, type]))]),
  )
}

const isText = (type: KeyType) => type === 'string'

function twoTypes(key: string, first: KeyDeclaration, other: { type: string; by: string }) {
  return invalidInput(`The key "${key}" is of type ${first.type} for ${first.by}, and ${other.type} for ${other.by}.`, {
    name: key,
    hint: `Give it one type in all of them; the entity says it as "keys: [{ name: ${key}, type: ${first.type} }]".`,
  })
}

/** A key as it is compared: 101 and "101" are one number, or one text. Undefined where it cannot be this type; null is no key. */
export function keyValue(
  value: unknown,
  type: KeyType | undefined,
): string | number | bigint | boolean | null | undefined {
  if (value === null || value === undefined) return null
  if (type === undefined) return isPlain(value) ? value : undefined
  const read = toKey(value, type)
  return isRefusal(read) ? undefined : read
}

function isPlain(value: unknown): value is string | number | bigint | boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
}

/** The same for a value of a request, which is refused where it cannot be a key. */
export function requestKey(
  value: unknown,
  name: string,
  type: KeyType | undefined,
): string | number | bigint | boolean | null {
  const read = keyValue(value, type)
  if (read !== undefined) return read
  throw invalidInput(
    `"${name}" is ${shortened(value)}; this key must be ${type === 'string' ? 'a string' : type === 'integer' ? 'an integer' : 'a number'}.`,
    {
      name,
      hint: 'The type of a key is that of its entity in features/.',
    },
  )
}
