import { bytesField, fieldsIn, integerField, integersOf, textField, type WireField } from './wire.ts'

/** What is read of a model file beside what the runtime tells. */
export type ModelBytes = {
  bytes: Uint8Array
  /** Output -> the classes that its columns stand for, in their order. */
  classes: ReadonlyMap<string, string[]>
  /** The categories that its encoders know, one list for each. */
  categories: string[][]
}

// Field numbers of onnx.proto.
const model = { graph: 7, opset: 8 }
const graph = { node: 1, output: 12 }
const node = { input: 1, output: 2, op: 4, attribute: 5 }
const attribute = { name: 1, integers: 8, strings: 9 }
const floatElements = 1
const standardOpset = 13

type Node = { op: string; inputs: string[]; outputs: string[]; attributes: Map<string, string[]> }

/**
 * The model with tables of probabilities instead of ZipMap's lists of maps, which this server's runtime cannot hand over: the
 * node becomes one that passes its table on. Everything else stays byte for byte.
 */
export function withoutZipMaps(bytes: Uint8Array): ModelBytes {
  const nothing: ModelBytes = { bytes, classes: new Map(), categories: [] }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (!buffer.includes('ZipMap') && !buffer.includes('Encoder')) return nothing
  try {
    return rewritten(bytes)
  } catch (error) {
    // What is no model is refused by the runtime, with its reason.
    if (error instanceof RangeError) return nothing
    throw error
  }
}

function rewritten(bytes: Uint8Array): ModelBytes {
  const classes = new Map<string, string[]>()
  const categories: string[][] = []
  const fields = [...fieldsIn(bytes)]
  const parts = fields.map((field) =>
    field.number === model.graph ? inGraph(field, classes, categories) : field.whole,
  )
  if (classes.size === 0) return { bytes, classes, categories }
  if (!fields.some(isStandardOpset)) parts.push(bytesField(model.opset, integerField(2, standardOpset)))
  return { bytes: Buffer.concat(parts), classes, categories }
}

function inGraph({ content }: WireField, classes: Map<string, string[]>, categories: string[][]): Uint8Array {
  const fields = [...fieldsIn(content)]
  const replaced = new Map<WireField, Uint8Array>()
  for (const field of fields) {
    if (field.number !== graph.node) continue
    const { op, inputs, outputs, attributes } = readNode(field.content)
    if (/Encoder$/.test(op)) {
      for (const name of ['cats_strings', 'keys_strings', 'cats_int64s', 'keys_int64s'])
        if (attributes.has(name)) categories.push(attributes.get(name) ?? [])
    }
    const [from = '', to = ''] = [inputs[0], outputs[0]]
    if (op !== 'ZipMap') continue
    classes.set(to, attributes.get('classlabels_strings') ?? attributes.get('classlabels_int64s') ?? [])
    const identity = [textField(node.input, from), textField(node.output, to), textField(node.op, 'Identity')]
    replaced.set(field, bytesField(graph.node, Buffer.concat(identity)))
  }
  for (const field of fields) {
    if (field.number !== graph.output) continue
    const name = textOf(field.content, 1)
    const width = classes.get(name)?.length
    if (width !== undefined) replaced.set(field, bytesField(graph.output, tableInfo(name, width)))
  }
  if (replaced.size === 0) return bytesField(model.graph, content)
  return bytesField(model.graph, Buffer.concat(fields.map((field) => replaced.get(field) ?? field.whole)))
}

function readNode(content: Uint8Array): Node {
  const read: Node = { op: '', inputs: [], outputs: [], attributes: new Map() }
  for (const field of fieldsIn(content)) {
    if (field.number === node.op) read.op = asText(field)
    else if (field.number === node.input) read.inputs.push(asText(field))
    else if (field.number === node.output) read.outputs.push(asText(field))
    else if (field.number === node.attribute) {
      const values: string[] = []
      for (const part of fieldsIn(field.content)) {
        if (part.number === attribute.strings) values.push(asText(part))
        if (part.number === attribute.integers) values.push(...integersOf(part).map(String))
      }
      read.attributes.set(textOf(field.content, attribute.name), values)
    }
  }
  return read
}

/** ValueInfoProto of a table [N, width] of floats. */
function tableInfo(name: string, width: number): Uint8Array {
  const rows = bytesField(1, textField(2, 'N'))
  const columns = width === 0 ? bytesField(1, textField(2, 'C')) : bytesField(1, integerField(1, width))
  const tensor = [integerField(1, floatElements), bytesField(2, Buffer.concat([rows, columns]))]
  return Buffer.concat([textField(1, name), bytesField(2, bytesField(1, Buffer.concat(tensor)))])
}

function isStandardOpset({ number, content }: WireField): boolean {
  return number === model.opset && ['', 'ai.onnx'].includes(textOf(content, 1))
}

function textOf(message: Uint8Array, number: number): string {
  for (const field of fieldsIn(message)) if (field.number === number) return asText(field)
  return ''
}

function asText({ content }: WireField): string {
  return Buffer.from(content).toString('utf8')
}
