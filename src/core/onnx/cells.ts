import { invalidInput } from '../errors.ts'
import type { Value } from './row.ts'

export type Cells =
  | Float32Array
  | Float64Array
  | Float16Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | string[]

/** An element type of ONNX: what values of it are, how many of them lie in memory, and what an integer can be. */
export type Element = {
  kind: 'number' | 'integer' | 'boolean' | 'string'
  make(count: number): Cells
  /** Both ends included. */
  range?: readonly [bigint, bigint]
}

const signed = (bits: bigint) => [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] as const
const unsigned = (bits: bigint) => [0n, (1n << bits) - 1n] as const
const texts = (count: number) => new Array<string>(count).fill('')

/** The element types that the runtime takes from here; what is not among them (bfloat16, complex) cannot be asked. */
const elements: Record<string, Element> = {
  float32: { kind: 'number', make: (count) => new Float32Array(count) },
  float64: { kind: 'number', make: (count) => new Float64Array(count) },
  float16: { kind: 'number', make: (count) => new Float16Array(count) },
  int8: { kind: 'integer', make: (count) => new Int8Array(count), range: signed(8n) },
  int16: { kind: 'integer', make: (count) => new Int16Array(count), range: signed(16n) },
  int32: { kind: 'integer', make: (count) => new Int32Array(count), range: signed(32n) },
  int64: { kind: 'integer', make: (count) => new BigInt64Array(count), range: signed(64n) },
  uint8: { kind: 'integer', make: (count) => new Uint8Array(count), range: unsigned(8n) },
  uint16: { kind: 'integer', make: (count) => new Uint16Array(count), range: unsigned(16n) },
  uint32: { kind: 'integer', make: (count) => new Uint32Array(count), range: unsigned(32n) },
  uint64: { kind: 'integer', make: (count) => new BigUint64Array(count), range: unsigned(64n) },
  bool: { kind: 'boolean', make: (count) => new Uint8Array(count) },
  string: { kind: 'string', make: texts },
}

export function elementOf(type: string): Element | undefined {
  return Object.hasOwn(elements, type) ? elements[type] : undefined
}

const digits = /^-?[0-9]{1,20}$/

/** Puts one value of a row into a tensor. A missing number is NaN and a missing text is empty; nothing else can be missing. */
export function putCell(cells: Cells, at: number, { value, type, name }: CellOf): void {
  if (Array.isArray(cells)) {
    cells[at] = String(value ?? '')
    return
  }
  const element = elementOf(type)
  if (element?.range) {
    const integer = inRange(asInteger(value, name), element.range, { type, name })
    if (cells instanceof BigInt64Array || cells instanceof BigUint64Array) cells[at] = integer
    else cells[at] = Number(integer)
  } else if (cells instanceof BigInt64Array || cells instanceof BigUint64Array)
    throw new TypeError(`"${type}" has no whole numbers.`)
  else cells[at] = element?.kind === 'boolean' ? asBoolean(value, name) : asNumber(value, name)
}

type CellOf = { value: Value | undefined; type: string; name: string }

function asNumber(value: Value | undefined, name: string): number {
  if (typeof value === 'number') return value
  if (value === undefined || value === null) return Number.NaN
  // A whole number that a double cannot hold comes as its digits.
  if (digits.test(value)) return Number(value)
  throw invalidInput(`"${name}" must be a number.`, { name })
}

function asBoolean(value: Value | undefined, name: string): number {
  if (value === 0 || value === 1) return value
  throw invalidInput(`"${name}" must be true or false.`, { name })
}

function asInteger(value: Value | undefined, name: string): bigint {
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  if (typeof value === 'string' && digits.test(value)) return BigInt(value)
  throw invalidInput(`"${name}" must be an integer.`, { name })
}

/** A typed array would wrap around in silence. */
function inRange(
  value: bigint,
  [least, most]: readonly [bigint, bigint],
  { type, name }: { type: string; name: string },
): bigint {
  if (value >= least && value <= most) return value
  throw invalidInput(`"${name}" must be from ${least} to ${most} (${type}), not ${value}.`, { name })
}
