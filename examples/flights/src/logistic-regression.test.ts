import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fitLogisticRegression, predictProbability } from './logistic-regression.ts'

const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit))
const rowsOf = (...rows: number[][]) => rows.map((row) => Float64Array.from(row))
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`)

test('with one yes-or-no column and no penalty the predictions are the shares in the two groups', () => {
  const rows = rowsOf([0], [0], [0], [0], [1], [1], [1], [1], [1])
  const model = fitLogisticRegression({ rows, labels: [1, 0, 0, 0, 1, 1, 1, 0, 0], l2: 0 })
  close(predictProbability(model, Float64Array.of(0)), 1 / 4)
  close(predictProbability(model, Float64Array.of(1)), 3 / 5)
})

test('a column that says nothing gets no weight, and the mean prediction is the share of positives', () => {
  const rows = rowsOf([1, 7], [2, 7], [1, 7], [2, 7])
  const model = fitLogisticRegression({ rows, labels: [1, 1, 0, 0], l2: 1 })
  close(model.coefficients[0] ?? 1, 0)
  close(model.coefficients[1] ?? 1, 0)
  close(predictProbability(model, Float64Array.of(1, 7)), 1 / 2)
})

test('at the optimum the gradient of the penalised loss, computed apart, is zero', () => {
  const value = fc.oneof(
    { weight: 4, arbitrary: fc.double({ min: -50, max: 50, noNaN: true }) },
    { weight: 1, arbitrary: fc.constant(Number.NaN) },
  )
  const example = fc.record({ x: fc.tuple(value, value, value), label: fc.constantFrom(0, 1) })
  const examples = fc
    .array(example, { minLength: 6, maxLength: 60 })
    .filter((all) => new Set(all.map(({ label }) => label)).size === 2)
  fc.assert(
    fc.property(examples, fc.constantFrom(0.1, 1, 10), (all, l2) => {
      const rows = rowsOf(...all.map(({ x }) => x))
      const labels = all.map(({ label }) => label)
      const { intercept, coefficients, means, scales } = fitLogisticRegression({ rows, labels, l2 })
      const z = rows.map((row) =>
        [...row].map((x, j) => (Number.isNaN(x) ? 0 : (x - (means[j] ?? 0)) / (scales[j] ?? 1))),
      )
      const residuals = z.map(
        (row, i) =>
          (labels[i] ?? 0) - sigmoid(intercept + row.reduce((sum, x, j) => sum + x * (coefficients[j] ?? 0), 0)),
      )
      close(
        residuals.reduce((sum, residual) => sum + residual, 0),
        0,
        1e-7,
      )
      for (const [j, coefficient] of coefficients.entries()) {
        const slope = residuals.reduce((sum, residual, i) => sum + residual * (z[i]?.[j] ?? 0), 0)
        close(slope - l2 * coefficient, 0, 1e-7)
      }
    }),
  )
})

test('standardising takes mean and population deviation of the present values, imputed ones at the mean', () => {
  const { means, scales } = fitLogisticRegression({
    rows: rowsOf([1], [3], [Number.NaN], [Number.NaN]),
    labels: [1, 0, 1, 0],
    l2: 1,
  })
  assert.deepEqual([means, scales], [[2], [Math.SQRT1_2]])
})

test('a missing value is predicted like the mean of its column', () => {
  const model = fitLogisticRegression({ rows: rowsOf([1], [2], [6], [Number.NaN]), labels: [0, 0, 1, 1], l2: 1 })
  close(predictProbability(model, Float64Array.of(Number.NaN)), predictProbability(model, Float64Array.of(3)), 1e-15)
})

test('scaling a column by a constant does not change the predictions', () => {
  const labels = [0, 1, 0, 1, 1, 0]
  const xs = [1, 2, 3, 4, 7, 5]
  const small = fitLogisticRegression({ rows: rowsOf(...xs.map((x) => [x])), labels, l2: 1 })
  const large = fitLogisticRegression({ rows: rowsOf(...xs.map((x) => [x * 1e6])), labels, l2: 1 })
  close(predictProbability(small, Float64Array.of(6)), predictProbability(large, Float64Array.of(6e6)))
})

test('the same rows give the same bits again', () => {
  const training = { rows: rowsOf([1, 2], [2, 1], [3, 5], [4, 4]), labels: [0, 1, 0, 1], l2: 1 }
  assert.deepEqual(fitLogisticRegression(training), fitLogisticRegression(training))
})

test('without a penalty, columns that determine each other or separate the classes are refused', () => {
  const twins = rowsOf([1, 2], [2, 4], [3, 6], [4, 8])
  assert.throws(() => fitLogisticRegression({ rows: twins, labels: [0, 1, 0, 1], l2: 0 }), /l2/)
  assert.throws(() => fitLogisticRegression({ rows: rowsOf([1], [2], [3], [4]), labels: [0, 0, 1, 1], l2: 0 }), /l2/)
})

test('labels of one class only are refused', () => {
  assert.throws(() => fitLogisticRegression({ rows: rowsOf([1], [2]), labels: [1, 1], l2: 1 }), /both classes/)
})
