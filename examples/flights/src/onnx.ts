import { bytes, concat, type Field, integer, message, text } from './protobuf.ts'

export type ElementType = 'float' | 'string'

/** A named tensor that comes in or goes out, of shape [N, width]. */
export type Port = { name: string; type: ElementType; width: number }

/** A constant of shape [1, k], or [k, 1] when `column` is set. */
export type Constant = { name: string; values: readonly number[]; column?: boolean }

export type Attribute = number | readonly string[]

export type Node = {
  op: string
  domain?: 'ai.onnx.ml'
  inputs: readonly string[]
  output: string
  attributes?: Record<string, Attribute>
}

export type Graph = {
  name: string
  inputs: readonly Port[]
  outputs: readonly Port[]
  constants: readonly Constant[]
  nodes: readonly Node[]
  metadata?: Record<string, string>
}

const elementTypes = { float: 1, string: 8 } as const
const attributeTypes = { integer: 2, strings: 8 } as const
const irVersion = 8
const opsets = [
  ['', 13],
  ['ai.onnx.ml', 1],
] as const

/** The bytes of a model file; field numbers are those of onnx.proto (https://github.com/onnx/onnx, IR version 8). */
export function encodeOnnx({ name, inputs, outputs, constants, nodes, metadata = {} }: Graph): Uint8Array {
  const graph = [
    ...nodes.map((node) => message(1, ...encodeNode(node))),
    text(2, name),
    ...constants.map((constant) => message(5, ...encodeConstant(constant))),
    ...inputs.map((port) => message(11, ...encodePort(port))),
    ...outputs.map((port) => message(12, ...encodePort(port))),
  ]
  return concat([
    integer(1, irVersion),
    message(7, ...graph),
    ...opsets.map(([domain, version]) => message(8, text(1, domain), integer(2, version))),
    ...Object.entries(metadata).map(([key, value]) => message(14, text(1, key), text(2, value))),
  ])
}

function encodeNode({ op, domain = undefined, inputs, output, attributes = {} }: Node): Field[] {
  return [
    ...inputs.map((input) => text(1, input)),
    text(2, output),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => message(5, text(1, name), ...encodeAttribute(value))),
    ...(domain === undefined ? [] : [text(7, domain)]),
  ]
}

function encodeAttribute(value: Attribute): Field[] {
  return typeof value === 'number'
    ? [integer(3, value), integer(20, attributeTypes.integer)]
    : [...value.map((item) => text(9, item)), integer(20, attributeTypes.strings)]
}

function encodeConstant({ name, values, column = false }: Constant): Field[] {
  const shape = column ? [values.length, 1] : [1, values.length]
  const raw = new DataView(new ArrayBuffer(values.length * 4))
  for (const [index, value] of values.entries()) raw.setFloat32(index * 4, value, true)
  return [
    ...shape.map((size) => integer(1, size)),
    integer(2, elementTypes.float),
    text(8, name),
    bytes(9, new Uint8Array(raw.buffer)),
  ]
}

function encodePort({ name, type, width }: Port): Field[] {
  const shape = [message(1, text(2, 'N')), message(1, integer(1, width))]
  return [text(1, name), message(2, message(1, integer(1, elementTypes[type]), message(2, ...shape)))]
}
