import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from './errors.ts'
import { cursorNumber, nextOf, pageOf } from './paging.ts'

test('a cursor is a number of the page before, or is refused by its name', () => {
  assert.deepEqual([undefined, '0', '17'].map(cursorNumber), [undefined, 0, 17])
  for (const cursor of ['abc', '', '-1', '1.5', '1e3', ' 1', '9'.repeat(16)])
    assert.throws(
      () => cursorNumber(cursor),
      (error) => error instanceof AppError && error.code === 'invalid_input' && error.offender === 'cursor',
    )
})

test('a full page says where the list goes on, another one is the last', () => {
  const rows = [{ id: 'a' }, { id: 'b' }]
  assert.deepEqual(
    nextOf(rows, 2, ({ id }) => id),
    { next: 'b' },
  )
  assert.deepEqual(
    nextOf(rows, 3, ({ id }) => id),
    {},
  )
  assert.deepEqual(
    nextOf([], 2, () => ''),
    {},
  )
})

test('the pages of a list in memory are the whole list, once', () => {
  const all = [1, 2, 3, 4, 5]
  assert.deepEqual(pageOf(all, 2, undefined), { items: [1, 2], next: '2' })
  assert.deepEqual(pageOf(all, 2, '2'), { items: [3, 4], next: '4' })
  assert.deepEqual(pageOf(all, 2, '4'), { items: [5] })
})
