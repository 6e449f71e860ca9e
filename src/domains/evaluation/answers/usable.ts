import { AppError, invalidInput } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type { Task } from '../comparison/comparison.ts'
import type { Definition, Item } from '../golden/golden.ts'
import { textOf } from '../text-of.ts'

const batch = 500

type Runtime = { predict(rows: Row[]): Promise<Value[]> }

/** Answers in the order of the inputs. Whatever a model throws becomes an error that names it. */
export async function answersOf(name: string, runtime: Runtime, inputs: readonly Row[]): Promise<Value[]> {
  const answers: Value[] = []
  for (let start = 0; start < inputs.length; start += batch) {
    const rows = inputs.slice(start, start + batch)
    const part = await runtime.predict(rows).catch((cause: unknown) => {
      throw failureOf(name, cause)
    })
    for (let index = 0; index < rows.length; index++) answers.push(part[index] ?? null)
  }
  return answers
}

/** The same for a candidate: which items it breaks on is said with the reason. */
export async function candidateAnswersOf(
  name: string,
  runtime: Runtime,
  { inputs, ids }: { inputs: readonly Row[]; ids: readonly string[] },
): Promise<Value[]> {
  try {
    return await answersOf(name, runtime, inputs)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'upstream_failed' || !isFaultOfModel(error)) throw error
    throw await withItems(error, name, runtime, { inputs, ids })
  }
}

const named = 5

/** Looks no further than it names: a model that breaks may be slow to. */
async function withItems(
  error: AppError,
  name: string,
  runtime: Runtime,
  { inputs, ids }: { inputs: readonly Row[]; ids: readonly string[] },
): Promise<AppError> {
  const broken: string[] = []
  for (let index = 0; index < inputs.length && broken.length < named; index++) {
    const fails = await runtime.predict([inputs[index] ?? {}]).then(
      () => false,
      () => true,
    )
    if (fails) broken.push(ids[index] ?? String(index + 1))
  }
  if (broken.length === 0) return error
  const more = broken.length === named ? ' and perhaps more' : ''
  return new AppError(error.code, `${name} breaks on the golden items ${broken.join(', ')}${more}. ${error.message}`, {
    name,
    hint: 'That is the fault of this version: mend it and register it anew.',
    cause: error.cause,
  })
}

/**
 * The same for a baseline: an item that it fails on has no answer, and the others still have theirs. A server, process or
 * provider that does not answer is another matter: that says nothing about the model, and stays an error.
 */
export async function baselineAnswersOf(name: string, runtime: Runtime, inputs: readonly Row[]): Promise<Value[]> {
  try {
    return await answersOf(name, runtime, inputs)
  } catch (error) {
    if (!isFaultOfModel(error)) throw error
  }
  const answers: Value[] = []
  for (const row of inputs) answers.push(await answerOrNone(() => runtime.predict([row]), name))
  return answers
}

async function answerOrNone(ask: () => Promise<Value[]>, name: string): Promise<Value> {
  try {
    return (await ask())[0] ?? null
  } catch (cause) {
    const error = failureOf(name, cause)
    if (isFaultOfModel(error)) return null
    throw error
  }
}

/** A model that refuses an item or breaks on it, and not a machine that is busy or out of reach. */
export function isFaultOfModel(error: unknown): boolean {
  if (!(error instanceof AppError)) return false
  if (error.code === 'upstream_failed') return error.cause !== undefined && !(error.cause instanceof AppError)
  return error.code === 'invalid_input' || error.code === 'not_supported'
}

function failureOf(name: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  return new AppError('upstream_failed', `${name} failed on the golden items: ${message}`, { name, cause })
}

const expectedLabels: Record<Task, string> = {
  binary: '0 or 1',
  regression: 'a number',
  ranking: 'a relevance of 0 or more',
  multiclass: 'a class',
  text: 'a string',
}

/** The label of each item: a number, the name of a class, or the expected text. */
export function labelsOf({ golden, id, label }: Definition, items: readonly Item[], task: Task): (number | string)[] {
  return items.map((item) => {
    const value = task === 'multiclass' || task === 'text' ? textOf(item[label]) : numberOf(item[label])
    const fits =
      value !== undefined &&
      value !== '' &&
      (task !== 'binary' || value === 0 || value === 1) &&
      (task !== 'ranking' || Number(value) >= 0)
    if (fits) return value
    throw invalidInput(
      `The golden set "${golden}" has the label ${JSON.stringify(item[label])} for "${item[id]}", not ${expectedLabels[task]}.`,
      { name: label },
    )
  })
}

function numberOf(value: unknown): number | undefined {
  if (value === true || value === 'true') return 1
  if (value === false || value === 'false') return 0
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** The column's value of each item as text; undefined where the definition names none. */
export function groupingOf(items: readonly Item[], column: string | undefined): string[] | undefined {
  return column === undefined ? undefined : items.map((item) => textOf(item[column]))
}
