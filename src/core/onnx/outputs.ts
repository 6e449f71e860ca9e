import { AppError } from '../errors.ts'
import { listed, type Port, shown } from './inputs.ts'

/** What an answer is: a chance from 0 to 1, a class, a number, a score to sort by, a text. */
export type AnswerKind = 'score' | 'class' | 'value' | 'ranking' | 'text' | 'vector'

/** An output, with the classes of its columns where the file names them. */
export type OutputPort = Port & { classes?: string[] }

export type WantedOutput = {
  kind?: AnswerKind | undefined
  /** The kind was said of this output, not taken from what the endpoint serves. */
  said?: boolean
  name?: string | undefined
  classes?: string[] | undefined
  positive?: string | undefined
  column?: number | undefined
}

/** Which output is read, and how a row of it becomes one answer. */
export type OutputPlan = {
  name: string
  kind: AnswerKind | undefined
  classes: string[] | undefined
  /** The column that counts, where it is known beforehand. */
  column: number | undefined
}

const floats = new Set(['float32', 'float64', 'float16'])
const integers = new Set(['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'bool'])
/** How exporters call them, where several would do. */
const names: Partial<Record<AnswerKind, RegExp>> = { score: /prob|score|confidence/i, class: /label|class/i }

/**
 * The output that can be what is wanted: by shape and type, among several by its name, or the one that was said. Never just
 * the first: where it is not clear, all are named and nothing is chosen.
 */
export function chooseOutput(outputs: readonly OutputPort[], wanted: WantedOutput, oneRow = false): OutputPlan {
  const { kind } = wanted
  if (kind === 'vector')
    throw refused(outputs, 'A vector is not one answer: an endpoint answers with one value for each row', wanted)
  const [single] = outputs
  const named =
    outputs.find(({ name }) => name === wanted.name) ??
    (wanted.column !== undefined && outputs.length === 1 ? single : undefined)
  if (named) {
    const column = columnOf(named, wanted)
    const readable = wanted.said === true && (column !== undefined || isReadable(named, wanted, oneRow))
    if (readable || column !== undefined || fitting([named], wanted, oneRow).length > 0)
      return planOf(named, wanted, column)
    throw refused(outputs, `The output ${shown(named)} cannot be ${article(kind)}`, wanted)
  }
  const found = fitting(outputs, wanted, oneRow)
  const preferred = kind && names[kind] ? found.filter(({ name }) => names[kind]?.test(name)) : []
  const [only, ...others] = found.length > 1 && preferred.length === 1 ? preferred : found
  if (only && others.length === 0) return planOf(only, wanted, columnOf(only, wanted))
  if (only) throw refused(outputs, `Each of several outputs can be ${article(kind)}`, wanted, found.at(-1))
  throw refused(outputs, `No output can be ${article(kind)}`, wanted)
}

/** As versions were read before anybody said what their outputs are: the last column of the first output. */
export function firstOutput(outputs: readonly OutputPort[]): OutputPlan {
  return { name: outputs[0]?.name ?? '', kind: undefined, classes: undefined, column: undefined }
}

function planOf({ name, classes }: OutputPort, wanted: WantedOutput, column: number | undefined): OutputPlan {
  return { name, kind: wanted.kind, classes: wanted.classes ?? classes, column }
}

function columnOf(
  output: OutputPort,
  { kind, column, positive, classes = output.classes }: WantedOutput,
): number | undefined {
  if (column !== undefined) return column
  if (positive === undefined || kind === 'class' || kind === 'text') return undefined
  const at = classes?.indexOf(positive) ?? -1
  if (at >= 0) return at
  throw new AppError(
    'model_mismatch',
    `The positive class "${positive}" is not among the classes of ${shown(output)}.`,
    {
      name: output.name,
      hint: classes
        ? `They are ${classes.join(', ')}.`
        : 'Name the classes in the order of its columns: "classes": ["no", "yes"] in "output" of the signature.',
    },
  )
}

/** Values of a row; undefined where the file does not say. */
function widthOf({ shape }: Port, oneRow: boolean): number | undefined {
  const rest = oneRow && shape.length === 1 ? shape : shape.slice(1)
  if (shape.length === 0 || rest.some((size) => typeof size !== 'number' || size < 0)) return undefined
  return rest.reduce<number>((product, size) => product * Number(size), 1)
}

function fitting(outputs: readonly OutputPort[], wanted: WantedOutput, oneRow: boolean): OutputPort[] {
  const all = outputs.map((output) => ({ output, width: widthOf(output, oneRow) }))
  const pick = (fits: (one: (typeof all)[number]) => boolean) => all.filter(fits).map(({ output }) => output)
  const isFloat = ({ output }: { output: Port }) => floats.has(output.type)
  const isInteger = ({ output }: { output: Port }) => integers.has(output.type)
  const isText = ({ output }: { output: Port }) => output.type === 'string'
  const single = ({ width = 1 }: { width?: number | undefined }) => width === 1
  const chances = pick((one) => isFloat(one) && (one.width === undefined || one.width === 1 || one.width === 2))
  const values = pick((one) => isFloat(one) && single(one))
  const onlyValue = all.length === 1 ? pick((one) => isInteger(one) && single(one)) : []
  const labels = pick((one) => (isInteger(one) || isText(one)) && single(one))
  const tables = pick(({ output, width }) => {
    const classes = wanted.classes ?? output.classes
    return floats.has(output.type) && classes !== undefined && (width ?? classes.length) === classes.length
  })
  switch (wanted.kind) {
    case 'score':
      return chances
    case 'class':
      return first(labels, tables, all.length === 1 ? values : [])
    case 'value':
      return first(values, onlyValue)
    case 'ranking':
      return first(values, onlyValue, chances)
    case 'text':
      return pick((one) => isText(one) && single(one))
    default:
      return outputs.length === 1 ? [...outputs] : first(chances, labels)
  }
}

function first(...groups: OutputPort[][]): OutputPort[] {
  return groups.find((group) => group.length > 0) ?? []
}

/** Whether an output that was said to be of this kind can be read as it at all. */
function isReadable(output: OutputPort, { kind, classes = output.classes }: WantedOutput, oneRow: boolean): boolean {
  const width = widthOf(output, oneRow) ?? 1
  if (kind === 'text' || output.type === 'string') return output.type === 'string' && width === 1 && kind !== 'value'
  if (!floats.has(output.type) && !integers.has(output.type)) return false
  return width === 1 || (kind === 'score' && width === 2) || (kind === 'class' && classes?.length === width)
}

const articles: Record<AnswerKind, string> = {
  score: 'the score (one or two columns of floats)',
  class: 'the class (a column of integers or texts, or one column of floats for each of "classes")',
  value: 'the value (one column of numbers)',
  ranking: 'the score to rank by (one column of numbers)',
  text: 'the text (a column of texts)',
  vector: 'a vector',
}

function article(kind: AnswerKind | undefined): string {
  return kind === undefined ? 'the answer' : articles[kind]
}

function refused(
  outputs: readonly Port[],
  message: string,
  { kind = 'score' }: WantedOutput,
  output: Port | undefined = outputs.at(-1),
): AppError {
  const example = { name: output?.name ?? '<output>', type: 'number', kind: kind === 'vector' ? 'value' : kind }
  return new AppError('model_mismatch', `${message}. The model has: ${listed(outputs)}.`, {
    name: output?.name,
    hint: `Say it in the signature, such as "output": ${JSON.stringify(example)}, with "column" or "classes" where it has several columns; or export the model with an output that is it.`,
  })
}
