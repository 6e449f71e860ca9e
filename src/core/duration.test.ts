import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Check } from 'typebox/value'
import { Duration, duration } from './contract.ts'
import { day, milliseconds, waiting, week } from './duration.ts'
import { AppError } from './errors.ts'

test('every unit that a schema accepts is one that is understood', () => {
  for (const unit of ['s', 'm', 'h', 'd', 'w']) {
    assert.ok(Check(Duration, `3${unit}`))
    assert.equal(milliseconds(`3${unit}`), 3 * milliseconds(`1${unit}`))
  }
  assert.deepEqual(['250ms', '2s', '1m', '1h', '1d', '1w'].map(milliseconds), [
    250,
    2_000,
    60_000,
    3_600_000,
    day,
    week,
  ])
})

test('what one waits for is counted in ms, s and m only', () => {
  const Wait = duration('So long', { units: waiting })
  assert.deepEqual(
    ['5ms', '5s', '5m', '5h', '5d', '5'].map((text) => Check(Wait, text)),
    [true, true, true, false, false, false],
  )
})

test('a duration that must be there may not be nothing', () => {
  const Positive = duration('So long', { positive: true })
  assert.deepEqual(
    ['0h', '1h', '10h'].map((text) => Check(Positive, text)),
    [false, true, true],
  )
})

test('half an hour may be written as 0.5h', () => {
  assert.equal(milliseconds('0.5h'), 1_800_000)
})

test('what is no duration is refused by its name', () => {
  for (const text of ['', '7', 'd', '-1d', '1 d', '1y', '1d2h'])
    assert.throws(
      () => milliseconds(text),
      (error) => error instanceof AppError && error.offender === text,
    )
})
