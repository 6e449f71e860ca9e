import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatCsv, parseCsv } from './csv.ts'

test('what was written is read back, with quotes, commas and line breaks inside fields', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '1', '"', ',', '\n', '\r', ' ', 'é') })
  fc.assert(
    fc.property(fc.array(fc.tuple(field, field)), (rows) => {
      assert.deepEqual(parseCsv(formatCsv(['x', 'y'], rows)), { header: ['x', 'y'], rows })
    }),
  )
})

test('an empty last field and Windows line ends are read', () => {
  assert.deepEqual(parseCsv('a,b\r\n1,\r\n'), { header: ['a', 'b'], rows: [['1', '']] })
  assert.deepEqual(parseCsv('a,b\r\n"1",\r\n'), { header: ['a', 'b'], rows: [['1', '']] })
})

test('a row of the wrong length, an open quote and an empty file are refused', () => {
  assert.throws(() => parseCsv('a,b\n1\n'), /Row 1 has 1 fields, the header has 2/)
  assert.throws(() => parseCsv('a,b\n1,"2\n'), /quote at character 7/)
  assert.throws(() => parseCsv(''), /no header/)
})
