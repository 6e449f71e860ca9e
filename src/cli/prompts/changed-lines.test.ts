import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changedLines } from './changed-lines.ts'

const shown = (before: string, after: string) => changedLines(before, after).map(({ sign, text }) => `${sign}${text}`)

test('lines that are in both texts stay, the others are taken away before new ones come', () => {
  assert.deepEqual(shown('a\nb\nc', 'a\nx\nc\nd'), [' a', '-b', '+x', ' c', '+d'])
  assert.deepEqual(shown('', ''), [' '])
  assert.deepEqual(shown('same', 'same'), [' same'])
})

test('two very long texts with nothing in common are all of the old lines, then all of the new ones', () => {
  const lines = (word: string) => Array.from({ length: 50_000 }, (_, index) => `${word} ${index}`)
  const changed = changedLines(lines('old').join('\n'), lines('new').join('\n'))
  assert.deepEqual(
    changed.map(({ sign, text }) => `${sign}${text}`),
    [...lines('-old'), ...lines('+new')],
  )
})
