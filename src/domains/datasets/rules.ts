import type { Static } from 'typebox'
import { conflict, invalidInput } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import {
  addProblem,
  type ColumnType as DeclaredType,
  isoOf,
  isRefusal,
  noProblems,
  type Problems,
  refuseProblems,
  toDeclared,
  toKey,
  unfitText,
} from '../../core/tables/tables.ts'
import type { SourceFile } from './contract.ts'

export type Definition = Static<typeof SourceFile>
/** As a column is stored: `big_integer` once it holds an integer that a double does not hold exactly. */
export type ColumnType = DeclaredType | 'big_integer'
export type Columns = Record<string, ColumnType>
/** Columns by which features find an entity, with what their values are. */
export type KeyTypes = Record<string, 'string' | 'integer' | 'number'>
export type Row = Record<string, unknown>

type Expectation = NonNullable<Definition['expectations']>[number]

/** What the definition says about types, before any row came. */
export function declaredColumns(definition: Definition): Columns {
  const columns = new Map<string, ColumnType>()
  for (const { column, type } of definition.expectations ?? []) if (type !== undefined) columns.set(column, type)
  for (const column of [definition.time, definition.known_at]) if (column !== undefined) columns.set(column, 'time')
  return Object.fromEntries(columns)
}

/** What a stored type may become without a change of any value. */
const lossless: Partial<Record<ColumnType, ColumnType[]>> = {
  integer: ['big_integer', 'number', 'string'],
  big_integer: ['integer', 'string'],
  boolean: ['string'],
  time: ['string'],
}

/** The columns of a source whose definition changed: what is declared goes before what was found, as far as the stored rows allow. */
export function redeclared(definition: Definition, known: Columns, rows: number): Columns {
  const columns = new Map(Object.entries(known))
  for (const [name, type] of Object.entries(declaredColumns(definition))) {
    const stored = rows === 0 ? undefined : columns.get(name)
    if (stored !== undefined && stored !== type && !lossless[stored]?.includes(type)) {
      throw conflict(`The source "${definition.source}" holds "${name}" as ${stored}; it cannot become ${type}.`, {
        name,
        hint: 'Declare it as it is, or push the rows to a new source.',
      })
    }
    columns.set(name, stored === 'big_integer' && type === 'integer' ? stored : type)
  }
  return Object.fromEntries(columns)
}

/**
 * Checks rows and brings them into their stored form. What is declared goes first; an undeclared column keeps the type of its
 * first value, and integers may widen to numbers. Rows that do not fit are refused together, by row and column, so that a call
 * stores all of its rows or none.
 */
export function checkRows(
  definition: Definition,
  known: Columns,
  rows: Row[],
  keys: KeyTypes = {},
): { rows: Row[]; columns: Columns } {
  const columns = new Map(Object.entries(known))
  const names = lookalikes([...columns.keys(), ...Object.keys(declaredColumns(definition))])
  const keyTypes = new Map(Object.entries(keys))
  const problems = noProblems()
  const checked = rows.map((row, index) => {
    const number = index + 1
    checkNames(row, { names, number })
    const stored = new Map<string, unknown>()
    for (const [column, value] of Object.entries(row)) {
      const key = keyTypes.get(column)
      const cell = { value, column, number, columns, problems, key, unit: definition.time_unit }
      const kept = storedValue(cell)
      if (kept !== undefined) stored.set(column, kept)
    }
    for (const column of neededColumns(definition))
      if (!stored.has(column) && !Object.hasOwn(row, column)) throw missing(number, column, Object.keys(row))
      else if (!stored.has(column) && isMissing(row[column]))
        addProblem(problems, { row: number, column, value: row[column], rule: 'is missing' })
    for (const expectation of definition.expectations ?? [])
      expect(expectation, { value: stored.get(expectation.column), number, problems })
    return Object.fromEntries(stored)
  })
  refuseProblems(problems, 'The rows', 'invalid_input')
  return { rows: checked, columns: Object.fromEntries(columns) }
}

function neededColumns({ time, known_at: knownAt }: Definition): string[] {
  return [time, knownAt].filter((column) => column !== undefined)
}

const isMissing = (value: unknown) => value === null || value === undefined || value === ''

/** Names by what the analytic engine takes them for: it does not tell upper from lower case. */
function lookalikes(names: readonly string[]): Map<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), name]))
}

function checkNames(row: Row, { names, number }: { names: Map<string, string>; number: number }): void {
  for (const name of Object.keys(row)) {
    const plain = name.toLowerCase()
    const earlier = names.get(plain)
    if (earlier === name) continue
    const unfit = unfitText(name)
    const why =
      unfit ??
      (name.trim() === '' || name.startsWith('_') ? 'is not a column name that can be stored' : undefined) ??
      (name === name.trim() ? undefined : 'has blanks around it') ??
      (earlier === undefined ? undefined : `differs from "${earlier}" in nothing but case`)
    if (why !== undefined)
      throw invalidInput(`Row ${number}: the column ${JSON.stringify(name)} ${why}. Nothing was stored.`, {
        name,
        hint: 'Rename it.',
      })
    names.set(plain, name)
  }
}

type Cell = {
  value: unknown
  column: string
  number: number
  columns: Map<string, ColumnType>
  problems: Problems
  unit: Definition['time_unit']
  key: KeyTypes[string] | undefined
}

/** The value as it is stored, or undefined where it is missing or refused. Widens the column where that loses nothing. */
function storedValue({ value: given, column, number, columns, problems, unit, key }: Cell): unknown {
  if (given === null || given === undefined) return undefined
  const asKey = key === undefined ? null : toKey(given, key)
  if (isRefusal(asKey))
    return addProblem(problems, {
      row: number,
      column,
      value: given,
      rule: `${asKey.rule}: it is a key`,
      fix: asKey.fix,
    })
  const value = key === undefined ? given : asKey
  if (value === null || value === undefined) return undefined
  const refuse = (rule: string, fix?: string) => addProblem(problems, { row: number, column, value, rule, fix })
  const found = typeOf(value)
  if (found === undefined) return refuse('is not a number, a string or a boolean')
  const unfit = typeof value === 'string' ? unfitText(value) : undefined
  if (unfit !== undefined) return refuse(unfit)
  if (typeof value === 'number' && !Number.isFinite(value))
    return refuse('is not finite', 'Leave it empty, or write it as a string.')
  const type = columns.get(column) ?? found
  const wider = widened(type, found)
  columns.set(column, wider)
  const text = wider === 'time' ? epochText(value, unit) : value
  const read = toDeclared(text, wider === 'big_integer' ? 'integer' : wider)
  if (isRefusal(read)) return refuse(read.rule, read.fix)
  if (wider === 'number' && typeof read === 'bigint')
    return refuse('has more digits than a number holds', 'Declare the column as an integer or a string.')
  return read ?? undefined
}

function typeOf(value: unknown): ColumnType | undefined {
  if (typeof value === 'bigint') return 'big_integer'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number'
  if (typeof value === 'string') return 'string'
  return typeof value === 'boolean' ? 'boolean' : undefined
}

/** Integers become numbers when one with decimals comes, and big integers when one does that a double does not hold. */
function widened(type: ColumnType, found: ColumnType): ColumnType {
  if (type !== 'integer') return type
  return found === 'number' || found === 'big_integer' ? found : type
}

/** Numbers are times only where the source says in which unit they count. */
function epochText(value: unknown, unit: Definition['time_unit']): unknown {
  if (unit === undefined || typeof value !== 'number') return value
  const milliseconds = unit === 's' ? value * 1_000 : value
  return Number.isInteger(milliseconds) && Math.abs(milliseconds) <= 8.64e15 ? isoOf(milliseconds) : value
}

type CheckedValue = { value: unknown; number: number; problems: Problems }

function expect(
  { column, required, between, one_of: oneOf }: Expectation,
  { value, number, problems }: CheckedValue,
): void {
  const refuse = (rule: string) => addProblem(problems, { row: number, column, value, rule })
  if (value === undefined) {
    if (required) refuse('is missing')
    return
  }
  const amount = typeof value === 'bigint' ? Number(value) : value
  if (between && !(typeof amount === 'number' && amount >= between[0] && amount <= between[1]))
    refuse(`is outside ${between[0]} … ${between[1]}`)
  if (oneOf && !oneOf.includes(value as string)) refuse(`is not one of ${oneOf.join(', ')}`)
}

function missing(number: number, column: string, known: string[]) {
  return invalidInput(`Row ${number}: "${column}" is missing. Nothing was stored.`, {
    name: column,
    hint: didYouMean(column, known),
  })
}
