import { invalidInput } from '../../core/errors.ts'

export type Datatype = (typeof datatypes)[number]
const datatypes = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
] as const

type Json = Record<string, unknown>

/** One tensor of a request, flat and row-major. */
export type Tensor = { name: string; shape: number[]; values: (number | string | null)[] }

const maxElements = 1_000_000

function wrong(name: string, what: string): never {
  throw invalidInput(`The tensor "${name}" ${what}.`, { name })
}

/** Reads a tensor from its JSON, or from `binary`, the bytes that follow the JSON of the request. */
export function readTensor(given: Json, index: number, takeBinary: (size: number) => Buffer): Tensor {
  const name =
    typeof given['name'] === 'string' && given['name'] !== '' ? given['name'] : wrong(`inputs[${index}]`, 'has no name')
  const datatype = datatypes.find((one) => one === given['datatype'])
  if (!datatype) wrong(name, `has the datatype ${JSON.stringify(given['datatype'])}; known are ${datatypes.join(', ')}`)
  const shape = given['shape']
  if (!Array.isArray(shape) || shape.length === 0 || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    wrong(name, 'needs a shape of whole numbers')
  const count = (shape as number[]).reduce((product, size) => product * size, 1)
  if (count > maxElements) wrong(name, `has more than ${maxElements} elements`)
  const parameters = given['parameters'] as Json | undefined
  const size = parameters?.['binary_data_size']
  const values =
    size === undefined
      ? fromJson(name, datatype, given['data'])
      : fromBinary(name, datatype, takeBinary(sizeOf(name, size)), count)
  if (values.length !== count)
    wrong(name, `has ${values.length} elements, and its shape [${shape.join(', ')}] asks for ${count}`)
  return { name, shape: shape as number[], values }
}

function sizeOf(name: string, size: unknown): number {
  return Number.isSafeInteger(size) && Number(size) >= 0
    ? Number(size)
    : wrong(name, 'has a binary_data_size that is not a size')
}

const deepest = 8

function flat(name: string, data: unknown, depth = 0): unknown[] {
  if (!Array.isArray(data)) wrong(name, 'has no data')
  if (depth > deepest) wrong(name, `is nested deeper than ${deepest}`)
  return data.some(Array.isArray) ? data.flatMap((item: unknown) => flat(name, item, depth + 1)) : data
}

const bounds: Partial<Record<Datatype, [number, number]>> = {
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 4_294_967_295],
  UINT64: [0, Number.MAX_SAFE_INTEGER],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-2_147_483_648, 2_147_483_647],
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
}

/** A null is a missing value, as it is in rows: whether it may be one is said by the model. */
function fromJson(name: string, datatype: Datatype, data: unknown): (number | string | null)[] {
  return flat(name, data).map((value) => {
    if (value === null) return null
    if (datatype === 'BYTES')
      return typeof value === 'string' ? value : wrong(name, `holds ${JSON.stringify(value)}, which is not a string`)
    if (datatype === 'BOOL') {
      if (value === true || value === 1) return 1
      return value === false || value === 0
        ? 0
        : wrong(name, `holds ${JSON.stringify(value)}, which is neither true nor false`)
    }
    if (typeof value !== 'number') wrong(name, `holds ${JSON.stringify(value)}, which is not a number`)
    const [least, most] = bounds[datatype] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    if (bounds[datatype] && !Number.isInteger(value)) wrong(name, `holds ${value}, which is not an integer`)
    return value >= least && value <= most ? value : wrong(name, `holds ${value}, which is not an ${datatype}`)
  })
}

type Reader = { size: number; read: (view: DataView, at: number) => number }

const readers: Record<Exclude<Datatype, 'BYTES'>, Reader> = {
  BOOL: { size: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
  UINT8: { size: 1, read: (view, at) => view.getUint8(at) },
  UINT16: { size: 2, read: (view, at) => view.getUint16(at, true) },
  UINT32: { size: 4, read: (view, at) => view.getUint32(at, true) },
  UINT64: { size: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  INT8: { size: 1, read: (view, at) => view.getInt8(at) },
  INT16: { size: 2, read: (view, at) => view.getInt16(at, true) },
  INT32: { size: 4, read: (view, at) => view.getInt32(at, true) },
  INT64: { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  FP16: { size: 2, read: (view, at) => view.getFloat16(at, true) },
  FP32: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  FP64: { size: 8, read: (view, at) => view.getFloat64(at, true) },
}

/** Little-endian, row-major, without gaps; a text is its length in four bytes, then its UTF-8. */
function fromBinary(name: string, datatype: Datatype, bytes: Buffer, count: number): (number | string)[] {
  if (datatype === 'BYTES') return textsOf(name, bytes)
  const { size, read } = readers[datatype]
  if (bytes.length !== size * count) wrong(name, `has ${bytes.length} bytes, and its shape asks for ${size * count}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: count }, (_, index) => read(view, index * size))
}

function textsOf(name: string, bytes: Buffer): string[] {
  const found: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? bytes.readUInt32LE(at) : wrong(name, 'ends in the middle of a length')
    if (at + 4 + length > bytes.length) wrong(name, 'ends in the middle of a text')
    found.push(bytes.toString('utf8', at + 4, at + 4 + length))
    at += 4 + length
  }
  return found
}

export function toBinary(values: readonly (number | string)[]): { datatype: Datatype; bytes: Buffer } {
  if (values.every((value) => typeof value === 'number')) {
    const bytes = Buffer.alloc(values.length * 8)
    for (const [index, value] of values.entries()) bytes.writeDoubleLE(value, index * 8)
    return { datatype: 'FP64', bytes }
  }
  const parts = values.flatMap((value) => {
    const text = Buffer.from(String(value))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(text.length)
    return [length, text]
  })
  return { datatype: 'BYTES', bytes: Buffer.concat(parts) }
}

/** Tensors of shape [rows] or [rows, 1], one for each field; or one of [rows, fields] whose columns are the fields in order. */
export function toRows(
  tensors: Tensor[],
  fields: readonly { name: string; type: string }[],
): Record<string, unknown>[] {
  const [only] = tensors
  const wide = tensors.length === 1 && only && only.shape.length === 2 && (only.shape[1] ?? 1) > 1
  if (wide && only.shape[1] === fields.length && !fields.some(({ name }) => name === only.name)) {
    const width = fields.length
    return Array.from({ length: only.shape[0] ?? 0 }, (_, row) =>
      Object.fromEntries(fields.map(({ name }, column) => [name, only.values[row * width + column]])),
    )
  }
  const rows = only?.shape[0] ?? 0
  const seen = new Set<string>()
  for (const { name, shape } of tensors) {
    if (seen.has(name)) wrong(name, 'is given twice')
    seen.add(name)
    if (shape[0] !== rows) wrong(name, `has ${shape[0]} rows, and "${only?.name}" has ${rows}`)
    if (shape.slice(1).some((size) => size !== 1))
      wrong(name, `has the shape [${shape.join(', ')}]; it must be [rows] or [rows, 1]`)
  }
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(tensors.map(({ name, values }) => [name, values[row]])),
  )
}
