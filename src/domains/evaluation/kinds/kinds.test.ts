import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Value } from '../../../core/onnx/onnx.ts'
import { type AnswerBasis, answersOf, type Label, readLabel } from './kinds.ts'

/** What scikit-learn 1.9.1 says of the same answers: f1_score, ndcg_score and others. */
type Fixture = {
  classes: { labels: string[]; answers: string[]; accuracy: number; f1_macro: number; balanced_accuracy: number }
  lists: { relevances: number[]; scores: number[]; ndcg: number; 'ndcg@5': number; 'ndcg@10': number }[]
  quantities: { labels: number[]; answers: number[]; mae: number }
  chances: { labels: number[]; answers: number[]; log_loss: number; auc: number }
}
const file = new URL('../../../../test/fixtures/sklearn/answers.json', import.meta.url)
const sklearn = JSON.parse(readFileSync(file, 'utf8')) as Fixture

const basis = (output: AnswerBasis['output'], metrics: string[], more: Partial<AnswerBasis> = {}) => ({
  output,
  metrics,
  scorers: [],
  ...more,
})

type Row = { output: Value; label: Label | null; unit?: string; inputs?: Record<string, Value> }

async function measured(of: AnswerBasis, rows: Row[]) {
  const answers = await answersOf(of)
  const read = rows.flatMap(
    (row, index) => answers.read({ id: `p${index}`, unit: row.unit ?? `p${index}`, inputs: {}, ...row }) ?? [],
  )
  const found = answers.measure(read).map(({ metric, estimate, rows }) => [metric, { ...estimate, rows }] as const)
  return { answers, read, ...Object.fromEntries(found) } as Record<
    string,
    { value: number | null; n: number; rows: number; lower?: number | null; upper?: number | null }
  > & {
    answers: typeof answers
    read: typeof read
  }
}

const near = (value: number | null | undefined, expected: number) =>
  assert.ok(Math.abs((value ?? Number.NaN) - expected) < 1e-9, `${value} is not ${expected}`)

test('metrics of production agree with scikit-learn to 1e-9', async () => {
  const { classes, quantities, chances } = sklearn
  const rows = ({ labels, answers }: { labels: Label[]; answers: Value[] }) =>
    labels.map((label, index) => ({ label, output: answers[index] ?? null }))
  const ofClasses = await measured(basis('multiclass', ['accuracy', 'f1_macro', 'balanced_accuracy']), rows(classes))
  near(ofClasses['accuracy']?.value, classes.accuracy)
  near(ofClasses['f1_macro']?.value, classes.f1_macro)
  near(ofClasses['balanced_accuracy']?.value, classes.balanced_accuracy)
  near((await measured(basis('regression', ['mae']), rows(quantities)))['mae']?.value, quantities.mae)
  const ofChances = await measured(basis('binary', ['log_loss', 'auc']), rows(chances))
  near(ofChances['log_loss']?.value, chances.log_loss)
  near(ofChances['auc']?.value, chances.auc)
})

test('NDCG is the same for rows of a list and for whole lists, and agrees with scikit-learn', async () => {
  const { lists } = sklearn
  const names = ['ndcg', 'ndcg@5', 'ndcg@10'] as const
  const mean = (name: (typeof names)[number]) => lists.reduce((sum, list) => sum + list[name], 0) / lists.length
  const rows = lists.flatMap(({ relevances, scores }, query) =>
    scores.map((output, index) => ({ output, label: relevances[index] ?? 0, inputs: { query } })),
  )
  const itemised = lists.map(({ relevances, scores }) => ({
    output: JSON.stringify(Object.fromEntries(scores.map((score, index) => [`i${index}`, score]))),
    label: Object.fromEntries(relevances.map((relevance, index) => [`i${index}`, relevance])),
  }))
  const byRow = await measured(basis('ranking', [...names], { list: 'query' }), rows)
  const byList = await measured(basis('ranking', [...names]), itemised)
  for (const name of names) {
    near(byRow[name]?.value, mean(name))
    near(byList[name]?.value, mean(name))
    assert.equal(byRow[name]?.n, lists.length)
  }
  assert.deepEqual([byRow['ndcg']?.rows, byList['ndcg']?.rows], [rows.length, lists.length])
})

test('a class is told by its name, its number or the likeliest of its probabilities', async () => {
  const rows: Row[] = [
    { output: 2, label: '2' },
    { output: '2', label: 2 },
    { output: '{"cat":0.6,"dog":0.4}', label: 'cat' },
    { output: '{"cat":0.6,"dog":0.4}', label: 'dog' },
    { output: null, label: 'dog' },
    { output: 'cat', label: null },
  ]
  const { answers, read, ...found } = await measured(basis('multiclass', ['accuracy', 'log_loss']), rows)
  assert.deepEqual([found['accuracy']?.value, found['accuracy']?.n], [0.75, 4])
  // Only two answers gave probabilities.
  assert.equal(found['log_loss']?.n, 2)
  near(found['log_loss']?.value, -(Math.log(0.6) + Math.log(0.4)) / 2)
  assert.deepEqual(
    answers.judged(read).map(({ wrong }) => wrong),
    [false, false, false, true],
  )
  assert.equal(answers.kind.shown('{"cat":0.6,"dog":0.4}'), 'cat')
})

test('texts have the scores of people, and those of rules as far as a text was expected', async () => {
  const scorers = [
    { name: 'same', kind: 'exact' as const, ignore_case: true },
    { name: 'short', kind: 'regex' as const, pattern: '^.{1,5}$' },
    { name: 'judge', kind: 'judge' as const },
  ]
  const rows: Row[] = [
    { output: 'Paris', label: 'paris' },
    { output: 'It is Rome', label: 'Rome' },
    { output: 'Oslo', label: 0.5 },
    { output: 'Bonn', label: null },
  ]
  const { read, answers, ...found } = await measured(basis('text', ['same'], { scorers }), rows)
  const shown = Object.entries(found).map(([name, { value, n }]) => [name, value, n])
  assert.deepEqual(shown, [
    ['same', 0.5, 2],
    ['short', 0.75, 4],
    ['judge', null, 0],
    ['score', 0.5, 1],
  ])
  assert.deepEqual(read.map(({ output }) => output).filter(Boolean), [])
  assert.deepEqual(
    answers.judged(read).map(({ wrong }) => wrong),
    [false, true, false, false],
  )
})

test('rows of one unit are no independent evidence: the interval is over units', async () => {
  const rows = Array.from({ length: 400 }, (_, index) => ({
    output: Math.floor(index / 20) % 2 === 0 ? 'a' : 'b',
    label: 'a',
  }))
  const alone = (await measured(basis('multiclass', ['accuracy', 'f1_macro']), rows)) as Record<
    string,
    { lower?: number | null }
  >
  const together = (await measured(
    basis('multiclass', ['accuracy', 'f1_macro']),
    rows.map((row, index) => ({ ...row, unit: `u${Math.floor(index / 20)}` })),
  )) as Record<string, { lower?: number | null }>
  for (const name of ['accuracy', 'f1_macro'])
    assert.ok(Number(together[name]?.lower) < Number(alone[name]?.lower) - 0.05, name)
})

test('of quantities the largest tenth of the errors is what went wrong', async () => {
  const rows = Array.from({ length: 101 }, (_, index) => ({ output: index, label: 0 }))
  const { answers, read } = await measured(basis('regression', []), rows)
  const wrong = answers.judged(read).filter((one) => one.wrong)
  assert.deepEqual([wrong.length, wrong[0]?.of.output], [10, 91])
})

test('a label is read as its kind of answers has it, and refused as anything else', () => {
  const read = (task: AnswerBasis['output'], ...values: unknown[]) => values.map((value) => readLabel(value, task))
  assert.deepEqual(read('binary', 1, true, '0', 2, 'yes', null), [1, 1, 0, undefined, undefined, undefined])
  assert.deepEqual(read('regression', -3.5, '7', '', Number.NaN), [-3.5, 7, undefined, undefined])
  assert.deepEqual(read('multiclass', 'cat', 2, true, '', [1]), ['cat', 2, 1, undefined, undefined])
  assert.deepEqual(read('text', 'Paris', 0.5, 7, ''), ['Paris', 0.5, undefined, undefined])
  const lists = read('ranking', 2, [1, 0], { a: 3 }, '{"a":3}', '[1,0]', -1, [1, -1], [], { a: 'x' }, '[')
  const [none] = [undefined]
  assert.deepEqual(lists, [2, [1, 0], { a: 3 }, { a: 3 }, [1, 0], none, none, none, none, none])
})
