import type { TSchema } from 'typebox'
import type { Operation } from '../../src/core/contract.ts'
import { examples, words } from './example-words.ts'

/** As much of JSON Schema as an example needs. */
type Shape = TSchema & {
  type?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  anyOf?: Shape[]
  items?: Shape | Shape[]
  minItems?: number
  minimum?: number
  format?: string
  properties?: Record<string, Shape>
  required?: string[]
}

type Json = Record<string, unknown>

/** The least input that an operation takes: what it needs, with the names of the flights example. A test passes it through the operation's own schema. */
export function exampleInput(id: string, { input }: Operation): Json {
  return (examples[id] ?? required(input as Shape)) as Json
}

/** The call as somebody would type it. */
export function exampleCall(id: string, operation: Operation): string {
  const input = exampleInput(id, operation)
  if (operation.body === 'bytes' || operation.reply === 'bytes') return curl(operation, input)
  const fields = Object.entries(input)
  if (fields.some(([, value]) => typeof value === 'object')) return `keel api ${id} --input '${JSON.stringify(input)}'`
  return ['keel api', id, ...fields.map(([name, value]) => `${name}=${quoted(String(value))}`)].join(' ')
}

function curl({ method, path, body }: Operation, input: Json): string {
  const inPath = new Set([...path.matchAll(/:([A-Za-z]+)/g)].map(([, name]) => name))
  const filled = path.replaceAll(/:([A-Za-z]+)/g, (_, name: string) => encodeURIComponent(String(input[name])))
  const asked = Object.entries(input).filter(([name]) => !inPath.has(name))
  const query = new URLSearchParams(asked.map(([name, value]): [string, string] => [name, String(value)])).toString()
  const url = `http://127.0.0.1:5335/api/v1${filled}${query === '' ? '' : `?${query}`}`
  const how = method === 'GET' ? '' : `-X ${method} `
  return `curl ${how}${body === 'bytes' ? '--data-binary @file ' : ''}${quoted(url)}`
}

const quoted = (text: string) => (/^[\w.:/@+-]*$/.test(text) ? text : `'${text}'`)

function required({ properties = {}, required: names = [] }: Shape): Json {
  return Object.fromEntries(names.map((name) => [name, sample(name, properties[name] ?? ({} as Shape))]))
}

/** A value for a field: the first of its words, else the one that its name stands for, else the least that its shape allows. */
function sample(name: string, schema: Shape): unknown {
  const { type, anyOf, items } = schema
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (anyOf) return sample(name, anyOf[0] ?? ({} as Shape))
  if (type === 'object') return schema.properties ? required(schema) : (words[name] ?? {})
  if (items && !Array.isArray(items)) return (words[name] as unknown[]) ?? [sample(singular(name), items)]
  if (words[name] !== undefined) return words[name]
  if (schema.format === 'iso-date-time') return '2026-01-31T09:00:00Z'
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1
  if (type === 'boolean') return false
  return name
}

const singular = (name: string) => name.replace(/s$/, '')
