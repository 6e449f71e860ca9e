import { AppError } from '../errors.ts'
import type { OutputPlan } from './outputs.ts'
import type { Value } from './row.ts'

export type Result = { type: string; data: ArrayLike<unknown>; dims: readonly number[] }

/** One answer for each of the rows that were asked about. */
export function readAnswers(plan: OutputPlan, { type, data, dims }: Result, rows: number): Value[] {
  const width = data.length / rows
  const perRow = Number.isInteger(width) && width > 0 && (dims.length === 0 || dims[0] === rows || rows === 1)
  if (!perRow)
    throw new AppError(
      'upstream_failed',
      `The output "${plan.name}" has the shape [${dims.join(', ')}] for ${rows} rows: not one answer for each.`,
      { name: plan.name },
    )
  if (plan.kind === 'class' && plan.column === undefined)
    return Array.from({ length: rows }, (_, row) => classOf(plan, data, row * width, width))
  const column = columnOf(plan, width)
  const read = plan.kind === 'score' ? asChance(type) : toValue
  return Array.from({ length: rows }, (_, row) => read(data[row * width + column]))
}

/** Chances are sums in the precision of the model, such as those of its trees: a certain one may end a little beyond 1 or below 0. */
function asChance(type: string): (value: unknown) => Value {
  const slack = type === 'float16' ? 1e-3 : 1e-5
  return (given) => {
    const value = toValue(given)
    if (typeof value !== 'number' || value < -slack || value > 1 + slack) return value
    return Math.min(1, Math.max(0, value))
  }
}

const positives = ['1', 'true', 'True', 'yes']

function columnOf({ name, kind, classes, column }: OutputPlan, width: number): number {
  if (column !== undefined && column < width) return column
  const known = classes?.length === width ? classes.findIndex((one) => positives.includes(one)) : -1
  if (kind === undefined || width === 1) return width - 1
  if (kind === 'score' || kind === 'ranking') {
    if (known >= 0) return known
    if (width === 2) return 1
  }
  throw new AppError('upstream_failed', `The output "${name}" has ${width} columns, and which counts was not said.`, {
    name,
    hint: 'Say it in the signature: "column": <number from 0> in "output".',
  })
}

function classOf({ name, classes }: OutputPlan, data: ArrayLike<unknown>, start: number, width: number): Value {
  if (width === 1) {
    const value = toValue(data[start])
    if (!classes || value === null || classes.includes(String(value))) return value
    // A model that answers with the place of its class among those that were named.
    return asClass(typeof value === 'number' ? (classes[value] ?? String(value)) : value)
  }
  if (classes?.length !== width)
    throw new AppError('upstream_failed', `The output "${name}" has ${width} columns and no names for them.`, {
      name,
      hint: 'Name them in the signature: "classes": ["a", "b", …] in "output".',
    })
  let best = 0
  for (let at = 0; at < width; at++) {
    const value = Number(data[start + at])
    if (Number.isNaN(value)) return null
    if (value > Number(data[start + best])) best = at
  }
  return asClass(classes[best] ?? '')
}

/** Classes that are whole numbers are answered as numbers, as a label of integers is. */
function asClass(text: string): Value {
  return /^-?(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : text
}

function toValue(value: unknown): Value {
  if (typeof value === 'number' || typeof value === 'string') return value
  if (typeof value === 'boolean') return Number(value)
  if (typeof value !== 'bigint') return null
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
}
