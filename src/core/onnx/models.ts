import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { AppError } from '../errors.ts'
import { readAnswers } from './answers.ts'
import { type Cells, elementOf, putCell } from './cells.ts'
import { type Columns, type InputPlan, type InputsPlan, type Port, planInputs } from './inputs.ts'
import { chooseOutput, firstOutput, type OutputPlan, type OutputPort, type WantedOutput } from './outputs.ts'
import type { Row, Value } from './row.ts'
import { withoutZipMaps } from './zipmap.ts'

/** What was said about a model: which columns fill which input, what it answers, how many rows it takes at a time. */
export type ModelUse = {
  columns?: Columns | undefined
  /** The columns that there are, for hints. */
  known?: string[] | undefined
  output?: WantedOutput | undefined
  rowsAtOnce?: number | undefined
  /** An answer that is not clear is refused, not taken from the first output. */
  strict?: boolean
}

/** What the file says of itself, and how it will be asked. */
export type ModelFacts = {
  inputs: (Port & { columns: string[] })[]
  outputs: OutputPort[]
  output: OutputPlan
  /** Categories that its encoders know, one list for each. */
  categories: string[][]
  batch: number | undefined
}

export type OnnxModel = {
  /** `took` hears the milliseconds of the computation alone, where it is not done in the caller's own thread. */
  predict(rows: Row[], took?: (milliseconds: number) => void): Promise<Value[]>
  close(): Promise<void>
}

/** A failed call is told to its caller, not written to standard error. */
const quiet = { logSeverityLevel: 4 } as const

type Feed = { input: InputPlan; cells: Cells }
type Feeds = { list: Feed[]; tensors: Record<string, Tensor> }

/**
 * Loads a model whose inputs are columns or tables of them, of any element type that the runtime takes. Rows in, answers out,
 * in the same order. A model of a fixed batch is asked in parts of that size; what is over of the last one is its last row.
 * One call at a time: all single rows go through the same tensors, since making them takes as long as a small model.
 */
export async function openOnnx(bytes: Uint8Array, use: ModelUse = {}): Promise<OnnxModel & { facts: ModelFacts }> {
  const ort = await import('onnxruntime-node')
  const { bytes: readable, classes, categories } = withoutZipMaps(bytes)
  let session: InferenceSession
  try {
    session = await ort.InferenceSession.create(readable, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.slice(0, 300) : ''
    throw new AppError('invalid_input', `The model is not an ONNX model that this server can run. ${reason}`.trim(), {
      cause,
    })
  }
  const inputs = session.inputMetadata.map(portOf)
  const outputs = session.outputMetadata.map((meta): OutputPort => {
    const known = classes.get(meta.name)
    return known ? { ...portOf(meta), classes: known } : portOf(meta)
  })
  const { plan, output } = await planned({ session, inputs, outputs, use })
  const batch = plan.batch ?? use.rowsAtOnce
  let one: Feeds | undefined

  function feedsFor(count: number): Feeds {
    if (count === 1 && one) return one
    const list = plan.inputs.map((input): Feed => {
      const cells = elementOf(input.type)?.make(count * input.columns.length)
      if (!cells) throw new AppError('not_supported', `The input "${input.name}" has the type ${input.type}.`)
      return { input, cells }
    })
    const tensors = list.map(({ input, cells }) => {
      const tensor = new ort.Tensor(input.type as 'float32', cells as Float32Array, input.dims(count))
      // The runtime's native side takes half floats only as the bits that they are.
      if (cells instanceof Float16Array) Object.defineProperty(tensor, 'data', { value: new Uint16Array(cells.buffer) })
      return [input.name, tensor]
    })
    const feeds = { list, tensors: Object.fromEntries(tensors) }
    if (count === 1) one = feeds
    return feeds
  }

  /** `size` is how many rows the tensors hold: more than there are where the model takes no fewer. */
  async function ask(rows: Row[], size: number): Promise<Value[]> {
    const { list, tensors } = feedsFor(size)
    for (const feed of list) fill(feed, rows, size)
    const result = (await session.run(tensors, [output.name], quiet))[output.name]
    if (!result) throw new AppError('upstream_failed', `The model has no output "${output.name}".`)
    return readAnswers(output, result, size).slice(0, rows.length)
  }

  return {
    async predict(rows) {
      if (rows.length === 0) return []
      if (batch === undefined || (plan.batch === undefined && batch >= rows.length)) return ask(rows, rows.length)
      const answers: Value[] = []
      for (let at = 0; at < rows.length; at += batch) {
        const part = rows.slice(at, at + batch)
        answers.push(...(await ask(part, plan.batch ?? part.length)))
      }
      return answers
    },
    close: () => session.release(),
    facts: {
      inputs: inputs.map((port, index) => ({ ...port, columns: plan.inputs[index]?.columns ?? [] })),
      outputs,
      output,
      categories,
      batch,
    },
  }
}

type ToPlan = { session: InferenceSession; inputs: Port[]; outputs: OutputPort[]; use: ModelUse }

async function planned({ session, inputs, outputs, use }: ToPlan): Promise<{ plan: InputsPlan; output: OutputPlan }> {
  try {
    const plan = planInputs(inputs, { columns: use.columns, known: use.known })
    return { plan, output: outputOf(outputs, use, plan.oneRow) }
  } catch (error) {
    await session.release()
    throw error
  }
}

function outputOf(outputs: OutputPort[], { output = {}, strict = false }: ModelUse, oneRow: boolean): OutputPlan {
  try {
    return chooseOutput(outputs, output, oneRow)
  } catch (error) {
    // Registered before anybody looked at its outputs: it answers as it did.
    if (strict) throw error
    return firstOutput(outputs)
  }
}

function portOf(meta: InferenceSession.ValueMetadata): Port {
  return meta.isTensor
    ? { name: meta.name, type: meta.type, shape: meta.shape }
    : { name: meta.name, type: 'other', shape: [] }
}

function fill({ input, cells }: Feed, rows: Row[], size: number): void {
  const { columns, type } = input
  for (let at = 0; at < size; at++) {
    const row = rows[at] ?? rows.at(-1)
    for (const [index, name] of columns.entries())
      putCell(cells, at * columns.length + index, {
        value: row && Object.hasOwn(row, name) ? row[name] : undefined,
        type,
        name,
      })
  }
}
