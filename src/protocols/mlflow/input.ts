import { invalid } from './errors.ts'

/** What a call brings: its JSON body, or the query of a GET, or the names in its path. Unknown fields are ignored. */
export type Fields = Record<string, unknown>

export function badValue(name: string, value: unknown, why = ''): never {
  const text = JSON.stringify(value) ?? String(value)
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text
  throw invalid(`Invalid value ${shown} for parameter '${name}' supplied${why === '' ? '.' : `: ${why}`}`)
}

function absent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

export function text(fields: Fields, name: string, { max = Number.POSITIVE_INFINITY, path = name } = {}): string {
  const value = optionalText(fields, name, { max, path })
  if (absent(value)) throw invalid(`Missing value for required parameter '${path}'.`)
  return value ?? ''
}

export function optionalText(
  fields: Fields,
  name: string,
  { max = Number.POSITIVE_INFINITY, path = name } = {},
): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') badValue(path, value)
  if (value.length > max) badValue(path, value, `exceeds the maximum length of ${max} characters`)
  if (value.includes('\u0000')) badValue(path, value, 'contains a NUL character')
  return value
}

/** An int64: a JSON number, or its text. */
export function optionalInteger(fields: Fields, name: string, path = name): number | undefined {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return undefined
  const number = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) badValue(path, value)
  return number
}

export function integer(fields: Fields, name: string, path = name): number {
  const value = optionalInteger(fields, name, path)
  if (value === undefined) throw invalid(`Missing value for required parameter '${path}'.`)
  return value
}

const named: Record<string, number> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
}

/** A double: JSON has no NaN and no infinity, so these come as texts. */
export function double(fields: Fields, name: string, path = name): number {
  const value = fields[name]
  if (absent(value)) throw invalid(`Missing value for required parameter '${path}'.`)
  if (typeof value === 'number') return value
  if (typeof value === 'string' && value in named) return named[value] ?? Number.NaN
  if (typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) return Number(value)
  return badValue(path, value)
}

export function flag(fields: Fields, name: string): boolean {
  const value = fields[name]
  if (value === undefined || value === null || value === '') return false
  if (typeof value === 'boolean') return value
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true'
  return badValue(name, value)
}

/** A repeated field; in a query one value stands for a list of one. */
export function texts(fields: Fields, name: string): string[] {
  const value = fields[name]
  if (value === undefined || value === null) return []
  const list = Array.isArray(value) ? value : [value]
  return list.map((item: unknown) => (typeof item === 'string' ? item : badValue(name, value)))
}

export function objects(fields: Fields, name: string): Fields[] {
  const value = fields[name]
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) badValue(name, value)
  return value.map((item: unknown, index) => asFields(item, `${name}[${index}]`))
}

export function asFields(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) badValue(path, value)
  return value as Fields
}

export function choice<T extends string>(fields: Fields, name: string, known: readonly T[]): T | undefined {
  const value = optionalText(fields, name)
  if (value === undefined || value === '') return undefined
  const found = known.find((item) => item === value)
  return found ?? badValue(name, value)
}

type Limits = { fallback: number; max: number }

export function maxResults(fields: Fields, { fallback, max }: Limits): number {
  const value = optionalInteger(fields, 'max_results') ?? fallback
  if (value < 1 || value > max) badValue('max_results', value, `It must be between 1 and ${max}`)
  return value
}

/** Opaque to clients. */
export function pageToken(fields: Fields): string | undefined {
  const token = optionalText(fields, 'page_token')
  if (token === undefined || token === '') return undefined
  const value = /^[A-Za-z0-9+/=_-]+$/.test(token) ? Buffer.from(token, 'base64url').toString('utf8') : ''
  if (!value.startsWith('~')) throw invalid('Invalid page token: it was not given by this server.')
  return value.slice(1)
}

export function tokenOf(cursor: string | undefined): { next_page_token?: string } {
  return cursor === undefined ? {} : { next_page_token: Buffer.from(`~${cursor}`).toString('base64url') }
}

export function offsetOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  if (!/^\d{1,15}$/.test(cursor)) throw invalid('Invalid page token: it was not given by this server.')
  return Number(cursor)
}

const runIdPattern = /^[a-zA-Z0-9][\w-]{0,255}$/

export function runId(fields: Fields, name = 'run_id'): string {
  const value = optionalText(fields, name) || text({ [name]: fields['run_uuid'] }, name)
  if (!runIdPattern.test(value)) badValue(name, value)
  return value
}

/** What names a metric, a param or a tag: no path that leads elsewhere, since some stores make files of it. */
export function checkKey(key: string, path: string): string {
  const parts = key.split('/')
  const normal = !parts.includes('..') && !parts.includes('.') && !parts.includes('')
  if (key.length > 250) badValue(path, key, 'exceeds the maximum length of 250 characters')
  if (!/^[/\w.\- :]*$/.test(key))
    throw invalid(
      `Invalid value ${JSON.stringify(key)} for parameter '${path}' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).`,
    )
  if (!normal)
    throw invalid(
      `Invalid value ${JSON.stringify(key)} for parameter '${path}' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such.`,
    )
  return key
}

export function key(fields: Fields, path = 'key'): string {
  return checkKey(text(fields, 'key', { path }), path)
}

/** Longer values are cut, as MLflow does by default. */
export function cut(value: string, length: number): string {
  return value.length > length ? value.slice(0, length) : value
}

/** Tags as they come: `[{key, value}]`; an empty value is a value. */
export function tags(fields: Fields, name: string, length: number): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [index, tag] of objects(fields, name).entries()) {
    const path = `${name}[${index}]`
    found[checkKey(text(tag, 'key', { path: `${path}.key` }), `${path}.key`)] = cut(
      optionalText(tag, 'value', { path: `${path}.value` }) ?? '',
      length,
    )
  }
  return found
}

export function toPairs(values: Record<string, string>): { key: string; value: string }[] {
  return Object.entries(values).map(([key, value]) => ({ key, value }))
}
