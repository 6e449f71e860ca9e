import type { Value } from '../../../core/onnx/onnx.ts'
import { logLossOf, ndcg } from '../../../core/stats/metrics.ts'
import { ascending } from '../../../core/stats/summary.ts'
import { classOf, encode, type Metric, type Task, usableNumber } from '../comparison/comparison.ts'
import type { Answered } from './answered.ts'
import { rankedOf, relevancesOf } from './structured.ts'

type Encoded = { labels: number[]; columns: Record<string, number[]>; lists?: string[]; units: string[] }
type Errors = { of: Answered; error: number }[]

/** All that differs between the kinds of answers: windows, alerts, rollouts and failures read it here. */
export type Kind = {
  /** Metrics of each window, besides those that its spec names. */
  watched: readonly string[]
  /** Whether answer minus label means something: then windows have a bias. */
  quantities: boolean
  /** What drift of the answers looks at, and whether it is a number or a category. */
  sketch: 'numeric' | 'categorical'
  shown: (output: Value) => Value
  /** What the mean loss of a rollout's guard is called. */
  loss: { name: Loss; says: string }
  isJudged: (row: Answered) => boolean
  encode: (rows: readonly Answered[]) => Encoded
  columnOf: (metric: Metric) => string
  losses: (rows: readonly Answered[], metric: string) => { of: Answered; loss: number }[]
  judged: (rows: readonly Answered[], metric: string) => { of: Answered; wrong: boolean }[]
}

export type Loss = 'log_loss' | 'absolute_error' | 'wrong_class' | 'lost_gain' | 'lost_score'

type Definition = Pick<Kind, 'watched' | 'quantities' | 'sketch' | 'shown' | 'isJudged' | 'encode' | 'columnOf'> & {
  loss: Kind['loss'] & { of?: (row: Answered) => number }
  /** How wrong an answer or a list is. */
  errors: (rows: readonly Answered[], metric: string) => Errors
  /** From which error on it is wrong; without a natural bound, the largest tenth. */
  wrongAbove: (errors: readonly number[]) => number
}

const half = () => 0.5
const number = (output: Value) => (typeof output === 'number' && Number.isFinite(output) ? output : null)
const units = (rows: readonly Answered[]) => rows.map(({ unit }) => unit)
const each = (error: (row: Answered) => number) => (rows: readonly Answered[]) =>
  rows.map((row) => ({ of: row, error: error(row) }))

const definitions: Record<Task, Definition> = {
  binary: {
    watched: ['log_loss', 'auc'],
    quantities: true,
    sketch: 'numeric',
    shown: number,
    loss: { name: 'log_loss', says: 'Log loss', of: (row) => logLossOf(Number(row.label), Number(row.output)) },
    isJudged: ({ label, output }) => typeof label === 'number' && usableNumber(output, 'binary') !== undefined,
    encode: numbers,
    columnOf: answer,
    // Wrong is a probability that leans to the other side of what happened.
    errors: each(({ label, output }) => (Number(label) > 0.5 ? 1 - Number(output) : Number(output))),
    wrongAbove: half,
  },
  regression: {
    watched: ['mae'],
    quantities: true,
    sketch: 'numeric',
    shown: number,
    loss: { name: 'absolute_error', says: 'Absolute error' },
    isJudged: ({ label, output }) => typeof label === 'number' && usableNumber(output, 'regression') !== undefined,
    encode: numbers,
    columnOf: answer,
    errors: each(({ label, output }) => Math.abs(Number(label) - Number(output))),
    wrongAbove: (errors) => ascending(errors)[Math.floor(0.9 * (errors.length - 1))] ?? Number.POSITIVE_INFINITY,
  },
  multiclass: {
    watched: ['accuracy', 'f1_macro'],
    quantities: false,
    sketch: 'categorical',
    shown: (output) => classOf(output)?.name ?? null,
    loss: { name: 'wrong_class', says: 'Share of wrong classes' },
    isJudged: ({ label, output }) => label !== null && classOf(output) !== undefined,
    encode: classes,
    columnOf: (metric) => metric.reads ?? 'answer',
    errors: each(({ label, output }) => Number(String(label) !== classOf(output)?.name)),
    wrongAbove: half,
  },
  ranking: {
    watched: ['ndcg@10', 'ndcg'],
    quantities: false,
    sketch: 'numeric',
    shown: (output) => number(output) ?? rankedOf(output)?.length ?? null,
    loss: { name: 'lost_gain', says: 'One minus NDCG' },
    isJudged: (row) => itemsOf(row) !== undefined,
    encode: lists,
    columnOf: answer,
    errors: (rows) =>
      [...Map.groupBy(rows, listOf)].flatMap(([, members]) => {
        const items = members.flatMap((row) => itemsOf(row) ?? [])
        const [of] = members
        const gain = ndcg(
          items.map(({ relevance }) => relevance),
          items.map(({ score }) => score),
        )
        return of ? [{ of, error: 1 - gain }] : []
      }),
    wrongAbove: half,
  },
  text: {
    watched: [],
    quantities: false,
    sketch: 'numeric',
    shown: lengthOf,
    loss: { name: 'lost_score', says: 'One minus the score' },
    isJudged: ({ scores }) => Object.values(scores).some((score) => score !== null),
    encode: texts,
    columnOf: ({ name }) => name,
    errors: (rows, metric) =>
      rows.flatMap((row) => {
        const score = row.scores[metric] ?? Object.values(row.scores).find((one) => one !== null)
        return typeof score === 'number' ? [{ of: row, error: 1 - score }] : []
      }),
    wrongAbove: half,
  },
}

export const kinds = Object.fromEntries(
  Object.entries(definitions).map(([task, definition]) => [task, kindOf(definition)]),
) as Record<Task, Kind>

function kindOf({ errors, wrongAbove, ...definition }: Definition): Kind {
  const { of: lossOf } = definition.loss
  return {
    ...definition,
    losses: (rows, metric) =>
      lossOf
        ? rows.map((row) => ({ of: row, loss: lossOf(row) }))
        : errors(rows, metric).map(({ of, error }) => ({ of, loss: error })),
    judged: (rows, metric) => {
      const found = errors(rows, metric)
      const bound = wrongAbove(found.map(({ error }) => error))
      return found.map(({ of, error }) => ({ of, wrong: error > bound }))
    },
  }
}

function answer(): string {
  return 'answer'
}

function numbers(rows: readonly Answered[]): Encoded {
  return {
    labels: rows.map(({ label }) => Number(label)),
    columns: { answer: rows.map(({ output }) => Number(output)) },
    units: units(rows),
  }
}

function classes(rows: readonly Answered[]): Encoded {
  const candidate = { answers: [rows.map(({ output }) => output)], scores: {} }
  const baseline = { answers: [], scores: {} }
  const labels = rows.map(({ label }) => String(label))
  const encoded = encode({ labels, candidate, baseline }, { task: 'multiclass', scorers: [] })
  const columns = Object.entries(encoded.candidate).map(([name, [only = []]]) => [name, only] as const)
  return { labels: encoded.labels, columns: Object.fromEntries(columns), units: units(rows) }
}

function texts(rows: readonly Answered[]): Encoded {
  const names = new Set(rows.flatMap(({ scores }) => Object.keys(scores)))
  const columns = [...names].map((name) => [name, rows.map(({ scores }) => scores[name] ?? Number.NaN)] as const)
  return { labels: rows.map(() => 1), columns: Object.fromEntries(columns), units: units(rows) }
}

function lists(rows: readonly Answered[]): Encoded {
  const items = rows.flatMap((row) => (itemsOf(row) ?? []).map((item) => ({ ...item, row })))
  return {
    labels: items.map(({ relevance }) => relevance),
    columns: { answer: items.map(({ score }) => score) },
    lists: items.map(({ row }) => listOf(row)),
    units: items.map(({ row }) => row.unit),
  }
}

/** A prediction that is a list is one by itself, whoever asked for it. */
function listOf({ id, list, output }: Answered): string {
  return typeof output === 'number' ? list : `prediction ${id}`
}

type Item = { relevance: number; score: number }

/** The ranked items of a prediction: all of a list, or the one that it scored. */
function itemsOf({ output, label }: Pick<Answered, 'output' | 'label'>): Item[] | undefined {
  if (typeof output === 'number' && typeof label === 'number')
    return Number.isFinite(output) ? [{ relevance: label, score: output }] : undefined
  const ranked = rankedOf(output)
  const relevances = ranked && relevancesOf(ranked, label)
  return relevances && ranked?.map(({ score }, index) => ({ relevance: relevances[index] ?? 0, score }))
}

/** The log may keep no more of a text than how long it is. */
function lengthOf(output: Value): Value {
  if (typeof output !== 'string') return null
  const [, length] = /^\[(\d+) characters\]$/.exec(output) ?? []
  return length === undefined ? output.length : Number(length)
}
