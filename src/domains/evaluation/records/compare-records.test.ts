import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRandom } from '../../../core/stats/random.ts'
import type { Row } from '../../../core/tables/tables.ts'
import { compareRecords, type RecordComparisonInput } from './compare-records.ts'
import type { Records } from './pairing.ts'

const records = (shown: string, rows: Row[]): Records => ({
  shown,
  rows,
  columns: [...new Set(rows.flatMap((row) => Object.keys(row)))],
})

/** Items of which two in five are positive, with answers that know it by `skill`. */
function items(n: number, skill: number, seed: number): Row[] {
  const label = createRandom(99)
  const noise = createRandom(seed)
  return Array.from({ length: n }, (_, index) => {
    const y = Number(label() < 0.4)
    const prediction = Math.min(0.99, Math.max(0.01, 0.5 + skill * (y - 0.5) + 0.6 * (noise() - 0.5)))
    return { id: `i${index}`, y, prediction, country: index % 2 === 0 ? 'DE' : 'FR' }
  })
}

type PartialInput = Partial<RecordComparisonInput>
const compared = (old: Row[], current: Row[], asked: PartialInput = {}) =>
  compareRecords({
    baseline: records('old', old),
    candidate: records('new', current),
    margin: 0.05,
    metric: 'auc',
    label: 'y',
    ...asked,
  })

test('two files of answers pass, fail or cannot tell, as the margin and the items allow', () => {
  const [old, alike, worse] = [items(400, 0.5, 1), items(400, 0.5, 2), items(400, 0.1, 3)]
  assert.equal(compared(old, alike).verdict, 'pass')
  assert.equal(compared(old, worse).verdict, 'fail')
  const short = compared(alike.slice(0, 40), old.slice(0, 40), { margin: 0.001 })
  assert.equal(short.verdict, 'cannot_tell')
  assert.match(
    short.needed ?? '',
    /^With differences that scatter like these, 40 items prove a margin of .* 0\.001 needs about \d+\.$/,
  )
  assert.equal(compared(old, alike).needed, null)
})

test('the order of the rows and which file holds the label change nothing', () => {
  const [old, current] = [items(120, 0.5, 1), items(120, 0.4, 2)]
  const expected = compared(old, current, { metric: 'log_loss' })
  fc.assert(
    fc.property(
      fc.shuffledSubarray(current, { minLength: 120 }),
      fc.constantFrom('old', 'new', 'both'),
      (rows, holder) => {
        const without = (all: Row[]) => all.map(({ y: _, ...rest }) => rest)
        const found = compared(holder === 'new' ? without(old) : old, holder === 'old' ? without(rows) : rows, {
          metric: 'log_loss',
        })
        assert.deepEqual(found, expected)
      },
    ),
    { numRuns: 20 },
  )
})

test('without a column that names items, rows belong together in their order and must be as many', () => {
  const bare = (rows: Row[]) => rows.map(({ id: _, ...rest }) => rest)
  const [old, current] = [items(60, 0.5, 1), items(60, 0.5, 2)]
  const found = compared(bare(old), bare(current))
  assert.equal(found.pairedBy, null)
  assert.equal(found.primary.difference.value, compared(old, current).primary.difference.value)
  assert.throws(
    () => compared(bare(old), bare(current).slice(1)),
    /old has 60 rows and new 59, and no column names the items/,
  )
})

test('an item of one file only is refused by name, or left out and counted when that is asked for', () => {
  const [old, current] = [items(60, 0.5, 1), items(60, 0.5, 2).slice(2)]
  assert.throws(() => compared(old, current), /new lacks 2 items that the other file has: i0, i1/)
  assert.throws(() => compared(current, old), /new lacks|old lacks 2 items/)
  const found = compared(old, current, { onlyShared: true })
  assert.deepEqual([found.n, found.leftOut], [58, 2])
  assert.throws(
    () => compared([...old, old[3] ?? {}], items(60, 0.5, 2)),
    /row 61, column "id": "i3" names an item for the second time/,
  )
})

test('labels that differ between the files, or are missing, are refused by row', () => {
  const [old, current] = [items(60, 0.5, 1), items(60, 0.5, 2)]
  const changed = current.map((row, index) => (index === 7 ? { ...row, y: 1 - Number(row['y']) } : row))
  assert.throws(() => compared(old, changed), /row 8, column "y": [01] of "i7" is [01] in the other file/)
  const gone = (rows: Row[]) => rows.map((row, index) => (index === 4 ? { ...row, y: null } : row))
  assert.throws(() => compared(gone(old), gone(current)), /row 5, column "y": the value of "i4" is missing/)
})

test('an answer that is missing is an error for the candidate, and counts against the baseline', () => {
  const [old, current] = [items(200, 0.5, 1), items(200, 0.5, 2)]
  const holes = (rows: Row[]) => rows.map((row, index) => (index < 3 ? { ...row, prediction: null } : row))
  const refused = compared(old, holes(current))
  assert.equal(refused.verdict, 'error')
  assert.match(refused.primary.reason, /the candidate has no usable answer for 3 of 200 items: i0, i1, i2/)
  const told = compared(holes(old), current)
  assert.match(told.notes.join(), /old has no usable answer for 3 items \(i0, i1, i2\); each counts against it/)
})

test('classes are compared as they are written, and classes that no label is of are refused', () => {
  const rows = (right: (index: number) => boolean) =>
    Array.from({ length: 200 }, (_, index) => {
      const label = ['cat', 'dog', '7'][index % 3] ?? ''
      return { id: index, label, answer: right(index) ? label : 'bird' }
    })
  const found = compared(
    rows((index) => index % 10 !== 0),
    rows((index) => index % 10 !== 1),
    { metric: 'accuracy', label: 'label' },
  )
  assert.equal(found.task, 'multiclass')
  assert.deepEqual([found.metrics[0]?.baseline.value, found.metrics[0]?.candidate.value], [0.9, 0.9])
  const loud = rows(() => true).map((row) => ({ ...row, answer: row.answer.toUpperCase().padEnd(5, '!') }))
  assert.throws(
    () =>
      compared(
        rows(() => true),
        loud,
        { metric: 'accuracy', label: 'label' },
      ),
    /No answer of the candidate is one of the labels/,
  )
})

test('two texts are classes, or positive and negative when the positive one is named', () => {
  const rows = items(200, 0.5, 1).map((row) => ({ ...row, y: row['y'] === 1 ? 'spam' : 'ham' }))
  assert.throws(
    () => compared(rows, rows),
    /"auc" is a metric of binary answers, and these values are not of that kind/,
  )
  const found = compared(
    rows,
    items(200, 0.5, 2).map(({ y: _, ...row }) => row),
    { positive: 'spam' },
  )
  assert.equal(found.task, 'binary')
  assert.equal(
    found.primary.difference.value,
    compared(items(200, 0.5, 1), items(200, 0.5, 2)).primary.difference.value,
  )
})

test('a column of scores is compared without labels, and may be better when it is lower', () => {
  const rows = (level: number, seed: number) => {
    const next = createRandom(seed)
    return Array.from({ length: 100 }, (_, id) => ({ id, cost: level + 3 * next() }))
  }
  const asked = { score: 'cost', metric: undefined, margin: 0.5 }
  assert.equal(compared(rows(4, 1), rows(7, 2), asked).verdict, 'pass')
  assert.equal(compared(rows(4, 1), rows(7, 2), { ...asked, lowerIsBetter: true }).verdict, 'fail')
  const hole = rows(4, 1).map((row, index) => (index === 9 ? { ...row, cost: null } : row))
  assert.throws(() => compared(hole, rows(7, 2), asked), /old: row 10, column "cost": the value of "9" is missing/)
})

test('harm proved in one slice fails the whole', () => {
  const [old, current] = [items(600, 0.02, 1), items(600, 0.8, 2)]
  const half = items(600, -0.4, 3)
  const mixed = current.map((row, index) =>
    row['country'] === 'FR' ? (half[index] ?? row) : { ...row, prediction: row['y'] === 1 ? 0.99 : 0.01 },
  )
  const found = compared(old, mixed, { metric: 'accuracy', slices: ['country'], margin: 0.1 })
  assert.equal(found.primary.verdict, 'pass')
  assert.equal(found.slices.find(({ value }) => value === 'FR')?.verdict, 'fail')
  assert.equal(found.verdict, 'fail')
})

test('a metric that does not exist, or needs something else, says what to type', () => {
  const rows = items(40, 0.5, 1)
  const hintOf = (asked: PartialInput) => {
    try {
      compared(rows, rows, asked)
    } catch (error) {
      return String((error as { hint?: string }).hint)
    }
    throw new Error('it was accepted')
  }
  assert.match(hintOf({ metric: 'aux' }), /Did you mean "auc"/)
  assert.match(hintOf({ metric: 'ndcg' }), /--list/)
  assert.match(hintOf({ metric: undefined }), /--metric/)
  assert.match(hintOf({ label: 'outcome' }), /--label/)
  assert.match(hintOf({ answer: 'predictions' }), /Did you mean "prediction"/)
  assert.match(hintOf({ id: 'customer_number' }), /Its columns: id, y, prediction, country/)
})

test('answers that are all 0 or 1 are said to be classes', () => {
  const rounded = items(60, 0.5, 1).map((row) => ({ ...row, prediction: Math.round(Number(row['prediction'])) }))
  assert.match(compared(items(60, 0.5, 2), rounded).notes.join(), /Each of the 60 answers of new is 0 or 1: classes/)
})
