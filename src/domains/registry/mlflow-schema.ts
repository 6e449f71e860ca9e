import type { Signature } from './signature.ts'

type Fields = Record<string, unknown>
type Input = Signature['inputs'][number]
type Read = { signature: Signature | undefined; warnings: string[] }

/** MLflow's types of columns and NumPy's of tensors, as types of inputs. */
const types: Record<string, Input['type']> = {
  boolean: 'boolean',
  bool: 'boolean',
  integer: 'integer',
  long: 'integer',
  float: 'number',
  double: 'number',
  string: 'string',
  object: 'string',
  str: 'string',
  ...Object.fromEntries(
    ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'].map((name) => [name, 'integer']),
  ),
  ...Object.fromEntries(['float16', 'float32', 'float64'].map((name) => [name, 'number'])),
}

/** Columns of one tensor, at most: more are pictures or embeddings, which no row of named values is. */
const mostColumns = 10_000

/**
 * The signature of an MLmodel file: columns by name, or a tensor of n columns, which are named `x0` … where nobody named them.
 * Undefined, with the reason, for inputs that no row of numbers and texts can hold.
 */
export function readSchema({ inputs, outputs }: Fields): Read {
  const columns = listOf(inputs)
  if (columns.length === 0)
    return {
      signature: undefined,
      warnings: [
        'It was logged without a signature: log it with an "input_example", or with "signature", to name its inputs.',
      ],
    }
  const warnings: string[] = []
  const mapped: Record<string, string[]> = {}
  const found = columns.flatMap((column): Input[] => {
    if (column['type'] !== 'tensor') return [plain(column, warnings)].filter((input) => input !== undefined)
    const tensor = tensorColumns(column, warnings)
    if (tensor.port !== undefined && tensor.inputs.length > 0)
      mapped[tensor.port] = tensor.inputs.map(({ name }) => name)
    return tensor.inputs
  })
  const names = new Set(found.map(({ name }) => name))
  if (found.length === 0 || names.size < found.length || warnings.some((one) => one.startsWith(cannot)))
    return {
      signature: undefined,
      warnings: warnings.length === 0 ? [`${cannot} inputs that have one name.`] : warnings,
    }
  return {
    signature: {
      inputs: found,
      ...(Object.keys(mapped).length === 0 ? {} : { columns: mapped }),
      output: outputOf(listOf(outputs)[0]),
    },
    warnings,
  }
}

const cannot = 'Its signature has'

function plain({ name, type, required }: Fields, warnings: string[]): Input | undefined {
  const known = typeof type === 'string' ? types[type] : undefined
  if (typeof name !== 'string' || name === '') {
    warnings.push(`${cannot} a column without a name: log it with a DataFrame that names its columns.`)
    return undefined
  }
  if (type === 'datetime') {
    warnings.push(`"${name}" is a time: it is handed on as the text that a caller writes.`)
    return { name, type: 'string', ...optional(required) }
  }
  if (known === undefined) {
    warnings.push(`${cannot} "${name}" of type ${JSON.stringify(type)}, which no row of numbers and texts can hold.`)
    return undefined
  }
  return { name, type: known, ...optional(required) }
}

const optional = (required: unknown) => (required === false ? { missing: true } : {})

function tensorColumns(column: Fields, warnings: string[]): { port: string | undefined; inputs: Input[] } {
  const spec = fieldsOf(column['tensor-spec'])
  const shape = Array.isArray(spec['shape']) ? spec['shape'].map(Number) : []
  const type = typeof spec['dtype'] === 'string' ? types[spec['dtype'].replace(/^<?U\d+$/, 'str')] : undefined
  const port = typeof column['name'] === 'string' ? column['name'] : undefined
  const [, width = 1] = shape
  const readable =
    type !== undefined && shape.length <= 2 && Number.isInteger(width) && width >= 1 && width <= mostColumns
  if (!readable) {
    warnings.push(
      `${cannot} a tensor of ${String(spec['dtype'])} [${shape.join(', ')}], which no row of numbers and texts can hold.`,
    )
    return { port, inputs: [] }
  }
  if (width === 1 && port !== undefined) return { port: undefined, inputs: [{ name: port, type }] }
  const prefix = port === undefined ? 'x' : `${port}_`
  warnings.push(
    `Its ${width} inputs have no names: they are called ${prefix}0 to ${prefix}${width - 1}. Log it with a DataFrame to name them.`,
  )
  return { port, inputs: Array.from({ length: width }, (_, index) => ({ name: `${prefix}${index}`, type })) }
}

function outputOf(output: Fields | undefined): Signature['output'] {
  const dtype = output?.['type'] === 'tensor' ? fieldsOf(output['tensor-spec'])['dtype'] : output?.['type']
  const type = types[String(dtype)] === 'string' || /^<?U\d+$/.test(String(dtype)) ? 'string' : 'number'
  return { name: typeof output?.['name'] === 'string' ? output['name'] : 'predictions', type }
}

/** Schemas are JSON inside YAML. */
function listOf(text: unknown): Fields[] {
  if (typeof text !== 'string') return []
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) ? list.map(fieldsOf) : []
  } catch {
    // It names no inputs, which is said.
    return []
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}
