import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { AppError } from '../errors.ts'

export type Value = number | string | null
export type Row = Record<string, Value>

export type OnnxModel = {
  /** `took` hears the milliseconds of the computation alone, where it is not done in the caller's own thread. */
  predict(rows: Row[], took?: (milliseconds: number) => void): Promise<Value[]>
  close(): Promise<void>
}

type Column = { name: string; type: string }
type Cells = Float32Array | Float64Array | BigInt64Array | string[]
/** One input: its tensor reads from the cells. */
type Feed = { name: string; cells: Cells }
type Feeds = { list: Feed[]; tensors: Record<string, Tensor> }

/**
 * Loads a model whose inputs are named columns of shape [N, 1] (float, double, int64 or string).
 * The first output is the answer: [N], [N, 1], or [N, C], of which the last column (the positive class) counts.
 * A missing number goes in as NaN. Rows in, answers out, in the same order.
 * One call at a time: all single rows go through the same tensors, since making them takes as long as a small model.
 */
export async function openOnnx(bytes: Uint8Array): Promise<OnnxModel> {
  const ort = await import('onnxruntime-node')
  let session: InferenceSession
  try {
    session = await ort.InferenceSession.create(bytes, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    })
  } catch (cause) {
    throw new AppError('invalid_input', 'The model is not an ONNX model that this server can run.', { cause })
  }
  const columns = session.inputMetadata.map((meta) => ({ name: meta.name, type: meta.isTensor ? meta.type : 'other' }))
  const output = session.outputNames[0] ?? ''
  let one: Feeds | undefined

  function feedsFor(count: number): Feeds {
    if (count === 1 && one) return one
    const list = columns.map((column) => ({ name: column.name, cells: cellsOf(column, count) }))
    const tensors = columns.map(({ name, type }, index) => [
      name,
      new ort.Tensor(type as 'float32', list[index]?.cells as Float32Array, [count, 1]),
    ])
    const feeds = { list, tensors: Object.fromEntries(tensors) }
    if (count === 1) one = feeds
    return feeds
  }

  return {
    async predict(rows) {
      if (rows.length === 0) return []
      const { list, tensors } = feedsFor(rows.length)
      for (const feed of list) fill(feed, rows)
      const result = await session.run(tensors, [output])
      const answer = result[output]
      if (!answer) throw new AppError('upstream_failed', `The model has no output "${output}".`)
      const width = answer.data.length / rows.length
      return rows.map((_, row) => toValue(answer.data[row * width + width - 1]))
    },
    close: () => session.release(),
  }
}

function cellsOf({ name, type }: Column, count: number): Cells {
  switch (type) {
    case 'float32':
      return new Float32Array(count)
    case 'float64':
      return new Float64Array(count)
    case 'int64':
      return new BigInt64Array(count)
    case 'string':
      return Array.from({ length: count }, () => '')
    default:
      throw new AppError('not_supported', `The input "${name}" of the model has the type ${type}.`, { name })
  }
}

function fill({ name, cells }: Feed, rows: Row[]): void {
  for (let at = 0; at < rows.length; at++) {
    const value = rows[at]?.[name]
    if (Array.isArray(cells)) cells[at] = String(value ?? '')
    else if (cells instanceof BigInt64Array) cells[at] = asInteger(value, name)
    else cells[at] = asNumber(value)
  }
}

function asNumber(value: Value | undefined): number {
  return typeof value === 'number' ? value : Number.NaN
}

function asInteger(value: Value | undefined, name: string): bigint {
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw new AppError('invalid_input', `"${name}" must be an integer.`, { name })
  return BigInt(value)
}

function toValue(value: unknown): Value {
  if (typeof value === 'number' || typeof value === 'string') return value
  return typeof value === 'bigint' ? Number(value) : null
}
