import { AppError } from '../../core/errors.ts'
import { listed, type ModelFacts, type Row, type Value } from '../../core/onnx/onnx.ts'
import type { Signature } from './signature.ts'

type Input = Signature['inputs'][number]
type Model = { predict(rows: Row[]): Promise<Value[]>; facts: ModelFacts | undefined }
type ProbeResult = { answers: Value[]; oneByOne: boolean; warnings: string[] }

const maxTries = 24
/** What is said of tensors that do not fit, whatever they hold. */
const aboutShape =
  /invalid dimensions|unexpected input data type|invalid rank|invalid feed|missing input|answer for each|which counts|no names for/i

/**
 * Asks a model about three made-up rows. One that fails for rows together but not one by one, or answers otherwise then, is
 * asked one by one from now on: the same row has the same answer in every company.
 */
export async function probe(model: Model, inputs: readonly Input[]): Promise<ProbeResult> {
  let last: unknown
  for (const rows of candidates(inputs, model.facts?.categories ?? [])) {
    try {
      const answers = await model.predict(rows)
      if (model.facts?.batch !== undefined) return { answers, oneByOne: false, warnings: [] }
      const alone = await oneByOne(model, rows).catch(() => answers)
      return { answers, oneByOne: !alike(answers, alone), warnings: [] }
    } catch (error) {
      last = error
      const answers = await oneByOne(model, rows).catch(() => undefined)
      if (answers) return { answers, oneByOne: true, warnings: [] }
    }
  }
  const reason = last instanceof Error ? last.message : String(last)
  const unguessed = inputs.filter(({ type, values }) => (type === 'string' || type === 'integer') && !values)
  if (unguessed.length === 0 || aboutShape.test(reason) || !(last instanceof AppError))
    throw new AppError(
      'model_mismatch',
      `The model cannot be asked about made-up rows: ${reason} Its inputs: ${listed(model.facts?.inputs ?? [])}.`,
      { name: model.facts?.inputs[0]?.name, cause: last },
    )
  const names = unguessed.map(({ name }) => `"${name}"`).join(', ')
  const warning = `It could not be tried, since nobody knows what ${names} can be ("values" in the signature): ${reason}`
  return { answers: [], oneByOne: false, warnings: [warning] }
}

async function oneByOne(model: Model, rows: Row[]): Promise<Value[]> {
  const answers: Value[] = []
  for (const row of rows) answers.push(...(await model.predict([row])))
  return answers
}

const tolerance = 1e-4

function alike(a: readonly Value[], b: readonly Value[]): boolean {
  return a.every((value, index) => {
    const other = b[index]
    // Infinite as before is the same, and so is what is none of both times.
    if (Object.is(value, other)) return true
    if (typeof value !== 'number' || typeof other !== 'number') return false
    return Math.abs(value - other) <= tolerance * Math.max(1, Math.abs(value))
  })
}

/** Three rows at a time; where the signature does not say what a text can be, categories that the file itself knows. */
function* candidates(inputs: readonly Input[], categories: readonly string[][]): Generator<Row[]> {
  const open = inputs.filter(({ type, values }) => (type === 'string' || type === 'integer') && !values)
  yield rowsOf(inputs, new Map())
  if (open.length === 0) return
  const fits = (input: Input) =>
    categories.filter(
      (list) => list.length > 0 && (input.type === 'string' || list.every((one) => /^-?[0-9]+$/.test(one))),
    )
  // Encoders mostly stand in the order of their inputs.
  const inOrder = new Map<string, string[]>()
  const texts = open.filter(({ type }) => type === 'string')
  for (const [index, { name }] of (texts.length > 0 ? texts : open).entries())
    if (categories[index]) inOrder.set(name, categories[index])
  yield rowsOf(inputs, inOrder)
  let tries = 2
  for (const input of open) {
    for (const list of fits(input)) {
      if (tries >= maxTries) return
      tries += 1
      yield rowsOf(inputs, new Map([...inOrder, [input.name, list]]))
    }
  }
}

function rowsOf(inputs: readonly Input[], categories: ReadonlyMap<string, string[]>): Row[] {
  return [0, 1, 2].map((index) =>
    Object.fromEntries(inputs.map((input) => [input.name, madeUp(input, categories.get(input.name), index)])),
  )
}

function madeUp({ type, values, minimum, maximum }: Input, categories: string[] | undefined, index: number): Value {
  const list = values ?? categories
  if (type === 'string') return list?.[index % list.length] ?? ''
  if (type === 'integer' && list) return Number(list[index % list.length])
  if (type === 'boolean') return index % 2
  const [least = Math.min(0, maximum ?? 0), most = Math.max(1, least)] = [minimum, maximum]
  const value = [least, most, (least + most) / 2][index] ?? least
  return type === 'integer' ? Math.floor(value) : value
}
