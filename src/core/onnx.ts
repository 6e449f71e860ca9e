import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { AppError } from './errors.ts'

export type Value = number | string | null
export type Row = Record<string, Value>

export type OnnxModel = {
  /** `took` hears the milliseconds of the computation alone, where it is not done in the caller's own thread. */
  predict(rows: Row[], took?: (milliseconds: number) => void): Promise<Value[]>
  close(): Promise<void>
}

/**
 * Loads a model whose inputs are named columns of shape [N, 1] (float, double, int64 or string).
 * The first output is the answer: [N], [N, 1], or [N, C], of which the last column (the positive class) counts.
 * A missing number goes in as NaN. Rows in, answers out, in the same order.
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

  return {
    async predict(rows) {
      if (rows.length === 0) return []
      const feeds: Record<string, Tensor> = {}
      for (const { name, type } of columns) {
        feeds[name] = new ort.Tensor(type as 'float32', column(rows, name, type) as Float32Array, [rows.length, 1])
      }
      const result = await session.run(feeds, [output])
      const answer = result[output]
      if (!answer) throw new AppError('upstream_failed', `The model has no output "${output}".`)
      const width = answer.data.length / rows.length
      return rows.map((_, row) => toValue(answer.data[row * width + width - 1]))
    },
    close: () => session.release(),
  }
}

function column(rows: Row[], name: string, type: string): Float32Array | Float64Array | BigInt64Array | string[] {
  switch (type) {
    case 'float32':
      return Float32Array.from(rows, (row) => asNumber(row[name]))
    case 'float64':
      return Float64Array.from(rows, (row) => asNumber(row[name]))
    case 'int64':
      return BigInt64Array.from(rows, (row) => asInteger(row[name], name))
    case 'string':
      return rows.map((row) => String(row[name] ?? ''))
    default:
      throw new AppError('not_supported', `The input "${name}" of the model has the type ${type}.`, { name })
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
