import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AppError } from '../../../core/errors.ts'
import { checkItems, type Definition, digestOfItems, fromJsonLines, instantOf, toJsonLines } from './items.ts'

const definition: Definition = {
  golden: 'flights-golden',
  file: 'golden/flights.csv',
  id: 'id',
  time: 'departs',
  label: 'late',
  slices: ['origin'],
}

const good = { id: 'a', departs: '2001-03-01T06:00Z', late: 0, origin: 'ORD' }

function refused(items: Record<string, unknown>[], row: number, column: string): void {
  assert.throws(
    () => checkItems(definition, items),
    (error: AppError) =>
      error.code === 'invalid_input' &&
      error.offender === column &&
      error.message.startsWith(`Row ${row}: "${column}"`),
  )
}

test('an item without identifier, label, time or slice is refused, naming row and column', () => {
  checkItems(definition, [good, { ...good, id: 'b' }])
  refused([good, { ...good, id: '' }], 2, 'id')
  refused([good, { ...good, id: 'b', late: null }], 2, 'late')
  refused([{ ...good, departs: 'soon' }], 1, 'departs')
  refused([{ id: 'a', departs: good.departs, late: 1 }], 1, 'origin')
  refused([{ ...good, late: Number.NaN }], 1, 'late')
})

test('two items with one identifier are refused, also when one is a number and one a text', () => {
  refused([{ ...good, id: 7 }, good, { ...good, id: '7' }], 3, 'id')
})

test('the digest depends on every value and on the order of items, not on the order of columns', () => {
  const digest = digestOfItems(definition, [good])
  const { id, ...rest } = good
  assert.equal(digestOfItems(definition, [{ ...rest, id }]), digest)
  assert.notEqual(digestOfItems(definition, [{ ...good, late: 1 }]), digest)
  assert.notEqual(digestOfItems({ ...definition, label: 'origin' }, [good]), digest)
})

test('items come back from their stored lines as they were', () => {
  const item = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)))
  fc.assert(
    fc.property(fc.array(item), (items) => {
      assert.deepEqual(fromJsonLines(toJsonLines(items)), structuredClone(JSON.parse(JSON.stringify(items))))
    }),
  )
})

test('a time without a zone is UTC', () => {
  assert.equal(instantOf('2001-03-01T06:00')?.toISOString(), '2001-03-01T06:00:00.000Z')
  assert.equal(instantOf('2001-03-01')?.toISOString(), '2001-03-01T00:00:00.000Z')
  assert.equal(instantOf('2001-03-01 06:00:30+02:00')?.toISOString(), '2001-03-01T04:00:30.000Z')
  assert.equal(instantOf('03/01/2001'), undefined)
  assert.equal(instantOf('2001-02-31T25:00'), undefined)
})
