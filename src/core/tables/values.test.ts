import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openCsvText, type Row } from './tables.ts'
import { type ColumnType, isRefusal, toDeclared } from './values.ts'

const refused = (value: unknown, type: ColumnType) => isRefusal(toDeclared(value, type))

test('a value becomes what is declared where it says the same, and is refused where it does not', () => {
  assert.equal(toDeclared(7, 'string'), '7')
  assert.equal(toDeclared(true, 'string'), 'true')
  assert.equal(toDeclared(9007199254740993n, 'string'), '9007199254740993')
  assert.equal(toDeclared('7', 'integer'), 7)
  assert.equal(toDeclared('18446744073709551615', 'integer'), 18446744073709551615n)
  assert.equal(toDeclared('-9223372036854775808', 'integer'), -9223372036854775808n)
  assert.equal(toDeclared('+.5e1', 'number'), 5)
  assert.equal(toDeclared('True', 'boolean'), true)
  assert.equal(toDeclared('2026-03-01 01:30', 'time'), '2026-03-01T01:30:00.000Z')
  const wrong: [unknown, ColumnType][] = [
    [0.5, 'string'],
    [9007199254740992, 'string'],
    ['007', 'integer'],
    ['1.0', 'integer'],
    [1.5, 'integer'],
    [9007199254740992, 'integer'],
    ['18446744073709551616', 'integer'],
    ['-9223372036854775809', 'integer'],
    ['1_000', 'number'],
    ['0x1F', 'number'],
    ['Infinity', 'number'],
    ['1e999', 'number'],
    [true, 'number'],
    [1, 'boolean'],
    ['constructor', 'boolean'],
    ['yes', 'boolean'],
    [1767225600000, 'time'],
    ['1767225600000', 'time'],
  ]
  for (const [value, type] of wrong) assert.equal(refused(value, type), true, `${String(value)} as ${type}`)
})

test('a word for "no value" is missing in every column but one of text', () => {
  for (const word of ['', 'NA', 'NaN', 'nan', 'null', 'NULL', 'None']) {
    assert.equal(toDeclared(word, 'string'), word)
    for (const type of ['integer', 'number', 'boolean', 'time'] as const) assert.equal(toDeclared(word, type), null)
  }
  for (const value of [null, undefined, Number.NaN]) assert.equal(toDeclared(value, 'string'), null)
})

const digits = fc.string({ unit: fc.constantFrom(...'0123456789+-.,eE_ x'), minLength: 1, maxLength: 22 })
const integers = fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map(String)
const numbers = fc.double({ noNaN: true }).map(String)
const cell = fc.oneof(digits, integers, numbers, fc.constantFrom('007', '-0', '1_000', 'true', 'NA', '1.50', '1e3'))

test('a guessed column holds nothing but values that print back as they were written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 5 }), async (written) => {
      const text = ['id,v', ...written.map((value, index) => `${index},"${value}"`)].join('\n')
      const table = await openCsvText(text, { separator: ',' })
      const rows: Row[] = []
      for await (const batch of table.read()) rows.push(...batch)
      const type = table.types.get('v')
      assert.equal(rows.length, written.length)
      for (const [index, row] of rows.entries()) {
        const [read, given = ''] = [row['v'], written[index]]
        if (type === 'string') assert.equal(read, given)
        else if (read !== null) assert.ok(printsBack(String(read), given), `${given} became ${String(read)}`)
        else assert.equal(given, 'NA')
      }
    }),
  )
})

/** As it is, in Python's form, or with a fixed count of decimals: zeros at the end, and how an exponent is written. */
function printsBack(printed: string, given: string): boolean {
  if (printed === given) return true
  const decimals = /\.(\d+)$/.exec(given)?.[1]?.length
  if (decimals !== undefined && Number(printed).toFixed(decimals) === given) return true
  return /^-?\d/.test(given) && !/^-?0\d/.test(given) && Object.is(Number(given), Number(printed)) && /[.e]/.test(given)
}
