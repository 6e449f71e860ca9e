import type { Context } from '../../../core/context.ts'
import { AppError, invalidInput } from '../../../core/errors.ts'
import { digestOfJson } from '../../../core/json/json.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import * as registry from '../../registry/registry.ts'
import { objectsOf, outputOfCommand } from '../command-lines.ts'
import { hiddenItems } from '../comparison/comparison.ts'
import { textOf } from '../text-of.ts'
import type { Given, Golden, Side } from './side.ts'

type GivenSide = { model: string; golden: Golden; inputs: Row[] }

function sideOf({ model, inputs }: GivenSide, about: Pick<Side, 'name' | 'given' | 'evidence'>): Side {
  return { model, version: null, constant: null, prompt: null, inputs, asOf: 'request', trained: null, ...about }
}

/** `golden.yesterday`: what was answered elsewhere to the same items, as a column of the set. */
export function recordedSide(column: string, side: GivenSide): Side {
  const { definition, items, set } = side.golden
  const { id, label, time, list, cluster } = definition
  const name = `golden.${column}`
  const refused = (why: string) =>
    invalidInput(`"${name}" cannot be compared with: ${why}.`, { name, hint: `Columns: ${set.columns.join(', ')}.` })
  if (!set.columns.includes(column)) throw refused(`the golden set "${set.name}" has no column "${column}"`)
  const role = Object.entries({ id, label, time, list, cluster }).find(([, named]) => named === column)?.[0]
  if (role) throw refused(`"${column}" is the ${role} of the golden set, not an answer`)
  const given = items.map((item) => item[column])
  const answers = checkAnswers(given, name, side.golden)
  const evidence = { column, answers: digestOfJson(answers) }
  return sideOf(side, { name: `recorded answers (${name})`, given: { answers }, evidence })
}

/** A command that answers all items at once: what runs today, whatever it is written in. */
export function commandSide(spec: { command: string[]; timeout?: string | undefined }, side: GivenSide): Side {
  const { command, timeout } = spec
  const items = side.golden.items.map((item) => textOf(item[side.golden.definition.id]))
  return sideOf(side, {
    name: `command (${command.join(' ')})`,
    given: { command, timeout, items },
    evidence: { command, ...(timeout === undefined ? {} : { timeout }) },
  })
}

/** The answer to each of the side's inputs. A command runs once, however often it is asked for them. */
export async function answersToInputs(ctx: Context, side: Side, given: Given, golden: Golden): Promise<Value[]> {
  return 'answers' in given ? given.answers : checkAnswers(await askCommand(ctx, side, given), side.name, golden)
}

async function askCommand(
  ctx: Context,
  { name, model, inputs }: Side,
  { command, timeout, items }: Extract<Given, { command: string[] }>,
): Promise<unknown[]> {
  const lines = inputs.map(
    (row, index) => `${JSON.stringify({ id: String(index), item: items[index], inputs: row })}\n`,
  )
  const environment = { KEEL_MODEL: model }
  const output = await outputOfCommand(
    ctx,
    { what: `The ${name}`, name, command, timeout, environment },
    lines.join(''),
  )
  const found = new Map<string, unknown>()
  for (const { id, answer } of objectsOf(output)) {
    if (typeof id !== 'string' || answer === undefined) continue
    if (found.has(id)) throw failed(name, `answered the line with the id "${id}" twice`)
    found.set(id, answer)
  }
  const missing = inputs.flatMap((_, index) => (found.has(String(index)) ? [] : [String(index)]))
  if (missing.length > 0)
    throw failed(
      name,
      `answered ${inputs.length - missing.length} of ${inputs.length} lines; there is none with the id ${missing.slice(0, 5).join(', ')}`,
    )
  return inputs.map((_, index) => found.get(String(index)))
}

function failed(name: string, why: string): AppError {
  const hint = 'It reads {"id", "item", "inputs"} lines and writes one {"id", "answer"} line for each.'
  return new AppError('upstream_failed', `The ${name} ${why}.`, { name, hint })
}

const probabilityMetrics = new Set(['log_loss', 'brier', 'calibration_error'])

/** Every item has an answer of the kind that the model gives. Which of the hidden items has none is not told. */
function checkAnswers(given: readonly unknown[], name: string, golden: Golden): Value[] {
  const { spec } = golden
  const kind = spec.serves.output
  const answers = given.map((value) => toAnswer(value, kind))
  const at = (which: (answer: Value) => boolean) => answers.flatMap((answer, index) => (which(answer) ? [index] : []))
  const refused = (why: string, hint: string) =>
    invalidInput(`"${name}" cannot be compared with: ${why}.`, { name, hint })
  const missing = at((answer) => answer === null)
  if (missing.length > 0)
    throw refused(`${countOf(missing, golden)} have no answer`, 'Give each item an answer, or take the item out.')
  const wrong = at((answer) => registry.markOfValue(answer, kind) !== undefined)
  if (wrong.length > 0) {
    const first = JSON.stringify(given[wrong[0] ?? 0])
    throw refused(`${countOf(wrong, golden)} have no ${wanted[kind]}, such as ${first}`, `"serves.output" is ${kind}.`)
  }
  const { metric } = spec.success.quality
  if (kind === 'binary' && probabilityMetrics.has(metric) && registry.areClasses(answers))
    throw refused(
      `each answer is 0 or 1, and ${metric} judges probabilities`,
      'Give probabilities, or choose a metric of classes, such as accuracy or f1.',
    )
  return answers
}

const named = 5

function countOf(indexes: readonly number[], { definition, items, set }: Golden): string {
  const hidden = hiddenItems(definition, set.version, items)
  const shown = indexes.filter((index) => hidden?.[index] !== true)
  const ids = shown.slice(0, named).map((index) => textOf(items[index]?.[definition.id]))
  const said = ids.length === 0 ? '' : ` (${ids.join(', ')}${indexes.length > ids.length ? ' …' : ''})`
  return `${indexes.length} of ${items.length} items${said}`
}

function toAnswer(value: unknown, kind: string): Value {
  if (value === undefined || value === null || value === '') return null
  if (typeof value === 'boolean') return kind === 'multiclass' || kind === 'text' ? String(value) : Number(value)
  if (typeof value === 'number') return kind === 'multiclass' || kind === 'text' ? textOf(value) : value
  if (typeof value === 'string') return value
  return kind === 'multiclass' || kind === 'text' ? JSON.stringify(value) : null
}

const wanted = {
  binary: 'probability from 0 to 1',
  regression: 'finite number',
  ranking: 'finite number',
  multiclass: 'class',
  text: 'text',
}
