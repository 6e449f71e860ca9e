import { AppError, invalidInput } from '../../core/errors.ts'
import type { Row, Value } from '../../core/onnx.ts'
import type { ModelSpec } from '../registry/spec.ts'
import type { Definition, Item } from './items.ts'

export type Task = 'binary' | 'regression'

const batch = 500

/** Answers in the order of the inputs. Whatever a model throws becomes an error that names it. */
export async function answersOf(
  name: string,
  runtime: { predict(rows: Row[]): Promise<Value[]> },
  inputs: readonly Row[],
): Promise<Value[]> {
  const answers: Value[] = []
  for (let start = 0; start < inputs.length; start += batch) {
    const rows = inputs.slice(start, start + batch)
    const part = await runtime.predict(rows).catch((cause: unknown) => {
      if (cause instanceof AppError) throw cause
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new AppError('upstream_failed', `${name} failed on the golden items: ${message}`, { name, cause })
    })
    for (let index = 0; index < rows.length; index++) answers.push(part[index] ?? null)
  }
  return answers
}

/** The answer as a number, when it is one the task allows: a probability, or any finite number. */
export function usable(answer: Value | undefined, task: Task): number | undefined {
  if (typeof answer !== 'number' || !Number.isFinite(answer)) return undefined
  return task === 'binary' && (answer < 0 || answer > 1) ? undefined : answer
}

/** The labels as numbers: 0 and 1 for a binary task, also written as true and false. */
export function labelsOf({ golden, id, label }: Definition, items: readonly Item[], task: Task): number[] {
  return items.map((item) => {
    const value = numeric(item[label])
    if (value !== undefined && (task === 'regression' || value === 0 || value === 1)) return value
    throw invalidInput(
      `The golden set "${golden}" has the label ${JSON.stringify(item[label])} for "${item[id]}", not ${task === 'binary' ? '0 or 1' : 'a number'}.`,
      { name: label },
    )
  })
}

function numeric(value: unknown): number | undefined {
  if (value === true || value === 'true') return 1
  if (value === false || value === 'false') return 0
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

export function taskOf(spec: ModelSpec): Task {
  const { output } = spec.serves
  if (output === 'binary' || output === 'regression') return output
  throw new AppError('not_supported', `Answers of the kind "${output}" cannot be evaluated yet.`, {
    name: output,
    hint: 'Evaluations judge the outputs "binary" and "regression".',
  })
}
