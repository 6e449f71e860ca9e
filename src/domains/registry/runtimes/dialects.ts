import { AppError } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type { Run, UpstreamSpec } from '../spec/spec.ts'

type Protocol = (Run | UpstreamSpec)['protocol']
type Request = { path: string; body: string }

/** How a protocol sends rows, reads the answers, and shows that a server is ready. */
type Dialect = {
  ask(model: string, rows: Row[]): Request
  read(body: unknown, rows: number): Value[]
  ready(model: string): string
}

export const dialects: Record<Protocol, Dialect> = {
  oip: {
    ask: (model, rows) => ({ path: `/v2/models/${encodeURIComponent(model)}/infer`, body: tensors(rows) }),
    read: (body, rows) => lastColumn(field(field(body, 'outputs'), 0, 'data'), rows),
    ready: (model) => `/v2/models/${encodeURIComponent(model)}/ready`,
  },
  mlflow: {
    ask: (_model, rows) => ({ path: '/invocations', body: JSON.stringify({ dataframe_split: split(rows) }) }),
    read: (body, rows) => lastColumn(field(body, 'predictions'), rows),
    ready: () => '/ping',
  },
  'kserve-v1': {
    ask: (model, rows) => ({
      path: `/v1/models/${encodeURIComponent(model)}:predict`,
      body: JSON.stringify({ instances: rows }),
    }),
    read: (body, rows) => lastColumn(field(body, 'predictions'), rows),
    ready: (model) => `/v1/models/${encodeURIComponent(model)}`,
  },
}

function namesOf(rows: Row[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))]
}

/** One tensor [N, 1] for each column. A missing number is null: JSON has no NaN, and MLServer reads null as missing. */
function tensors(rows: Row[]): string {
  const inputs = namesOf(rows).map((name) => {
    const data = rows.map((row) => valueIn(row, name))
    const datatype = data.some((value) => typeof value === 'string') ? 'BYTES' : 'FP64'
    return { name, shape: [rows.length, 1], datatype, data: datatype === 'BYTES' ? data.map(text) : data }
  })
  return JSON.stringify({ inputs })
}

/** A row that lacks a name that every object has, such as "constructor", lacks it. */
function valueIn(row: Row, name: string): Value {
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null
}

function text(value: Value): string {
  return value === null ? '' : String(value)
}

function split(rows: Row[]) {
  const columns = namesOf(rows)
  return { columns, data: rows.map((row) => columns.map((name) => valueIn(row, name))) }
}

function field(value: unknown, ...path: (string | number)[]): unknown {
  let found = value
  for (const key of path)
    found = typeof found === 'object' && found !== null ? (found as Record<string | number, unknown>)[key] : undefined
  return found
}

/** [N], [N, 1], a flat [N * C], or [N, C], of which the last column (the positive class) counts. */
function lastColumn(data: unknown, rows: number): Value[] {
  const flat: unknown[] | undefined = Array.isArray(data) ? data.flat(3) : undefined
  if (!flat || rows === 0 || flat.length === 0 || flat.length % rows !== 0)
    throw new AppError('upstream_failed', `The answer does not hold one value for each of ${rows} rows.`)
  const width = flat.length / rows
  return Array.from({ length: rows }, (_, row) => asValue(flat[row * width + width - 1]))
}

function asValue(value: unknown): Value {
  if (typeof value === 'number' || typeof value === 'string') return value
  return typeof value === 'boolean' ? Number(value) : null
}
