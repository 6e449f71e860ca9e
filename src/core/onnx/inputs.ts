import { AppError } from '../errors.ts'
import { elementOf } from './cells.ts'

/** An input or output as the runtime tells it; the shape is empty where the file does not say it. */
export type Port = { name: string; type: string; shape: readonly (number | string)[] }

/** One input of a model: the columns that fill a row of its tensor, in order. */
export type InputPlan = { name: string; type: string; columns: string[]; dims(rows: number): number[] }

/** Which columns of a row fill an input; a bare list where there is only one input. */
export type Columns = string[] | Record<string, string[]>

export type InputsPlan = {
  inputs: InputPlan[]
  /** The rows that one call takes, exactly; undefined where any number will do. */
  batch: number | undefined
  /** Its tensors have no dimension for rows: one call is one row. */
  oneRow: boolean
}

type InputNames = { columns: Columns | undefined; known: readonly string[] | undefined }

/** How rows become the tensors of these inputs: [N], [N, 1] by their own name, or [N, n] by the columns that the caller names. */
export function planInputs(ports: readonly Port[], named: InputNames): InputsPlan {
  const said = columnsByInput(ports, named.columns)
  let batch: number | undefined
  let oneRow = false
  const inputs = ports.map((port): InputPlan => {
    const { name, type, shape } = port
    if (!elementOf(type))
      throw mismatch(`The input ${shown(port)} cannot be filled by this server's runtime.`, {
        name,
        hint: 'Export the model with float, double, integer, bool or string inputs.',
      })
    // A name is any text: what nobody gave "__proto__" is not what every object inherits.
    const given = Object.hasOwn(said, name) ? said[name] : undefined
    const columns = given ?? [name]
    if (shape.length === 1 && columns.length > 1 && shape[0] === columns.length) {
      oneRow = true
      return { name, type, columns, dims: () => [columns.length] }
    }
    const width = widthOf(port, columns)
    if (width !== columns.length) throw wrongWidth(port, width, { columns: given, known: named.known })
    const [rows] = shape
    if (typeof rows === 'number' && rows > 0) {
      if (batch !== undefined && batch !== rows)
        throw mismatch(`The input ${shown(port)} takes ${rows} rows at a time, and another takes ${batch}.`, {
          name,
        })
      batch = rows
    }
    const rest = shape.length < 2 ? [1] : shape.slice(1).map((size) => (typeof size === 'number' ? size : width))
    return { name, type, columns, dims: (rows) => (shape.length === 1 ? [rows] : [rows, ...rest]) }
  })
  return { inputs, batch: oneRow ? 1 : batch, oneRow }
}

function columnsByInput(ports: readonly Port[], columns: Columns | undefined): Partial<Record<string, string[]>> {
  if (columns === undefined) return {}
  if (Array.isArray(columns)) {
    const [only] = ports
    if (only && ports.length === 1) return { [only.name]: columns }
    throw mismatch(`"columns" is one list, and the model has ${ports.length} inputs: ${listed(ports)}.`, {
      name: 'columns',
      hint: 'Give the columns of each input by its name: "columns": {"<input>": ["<column>", …]}.',
    })
  }
  for (const name of Object.keys(columns))
    if (!ports.some((port) => port.name === name))
      throw mismatch(`"columns" names the input "${name}", which the model does not have: ${listed(ports)}.`, {
        name,
      })
  return columns
}

/** Columns of one row; a size that is open is whatever was said where it is the only one. */
function widthOf({ name, type, shape }: Port, columns: readonly string[]): number {
  const rest = shape.slice(1)
  const open = rest.filter((size) => typeof size !== 'number' || size < 0)
  if (open.length > 0 && rest.length > 1)
    throw mismatch(`The input ${shown({ name, type, shape })} does not say how many values a row has.`, { name })
  return open.length > 0 ? columns.length : rest.reduce<number>((product, size) => product * Number(size), 1)
}

function wrongWidth(
  port: Port,
  width: number,
  { columns, known }: { columns: string[] | undefined; known: readonly string[] | undefined },
): AppError {
  const given = columns ? `and "columns" gives it ${columns.length}` : 'and "columns" does not say which'
  const fits = known?.length === width ? known : ['<column>', '…']
  return mismatch(`The input ${shown(port)} takes ${width} values of a row, ${given}.`, {
    name: port.name,
    hint: `Say them in their order in the signature: "columns": ${JSON.stringify({ [port.name]: fits })}.`,
  })
}

/** As in: "x" float32 [N, 3]. */
export function shown({ name, type, shape }: Port): string {
  const sizes = shape.map((size, index) => (typeof size === 'number' && size >= 0 ? size : size || (index ? '?' : 'N')))
  return `"${name}" ${type} ${shape.length === 0 ? 'of any shape' : `[${sizes.join(', ')}]`}`
}

export function listed(ports: readonly Port[]): string {
  return ports.map(shown).join('; ')
}

function mismatch(message: string, details: { name: string; hint?: string }): AppError {
  return new AppError('model_mismatch', message, details)
}
