import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { temporaryFolder } from '../../../test/support/folder.ts'
import type { AppError } from '../errors.ts'
import { openCsvText, openTable, type Row, type TableOptions } from './tables.ts'

type Read = { rows: Row[]; notes: string[] }

async function read(
  t: TestContext,
  name: string,
  bytes: string | Uint8Array,
  options: TableOptions = {},
): Promise<Read> {
  const path = join(temporaryFolder(t), name)
  writeFileSync(path, bytes)
  const table = await openTable(path, { shown: name, ...options })
  const rows: Row[] = []
  for await (const batch of table.read()) rows.push(...batch)
  assert.equal(table.rows, rows.length)
  return { rows, notes: table.notes }
}

const refused = (pattern: RegExp) => (error: AppError) => {
  assert.match(`${error.message} ${error.hint ?? ''}`, pattern)
  return error.code === 'invalid_file' || error.code === 'invalid_input'
}

test('a text that no number prints back stays text, and the guess is said with its reason', async (t) => {
  const { rows, notes } = await read(
    t,
    'a.csv',
    'zip,sha,n,price,x\n02134,12e4567,7,10.50,0.5\n10001,9e9999,-3,3.00,1\n',
  )
  assert.deepEqual(rows[0], { zip: '02134', sha: '12e4567', n: 7, price: 10.5, x: 0.5 })
  assert.deepEqual(notes, ['zip: text (leading zeros), sha: text (an exponent), n: integer, price: number, x: number'])
})

test('digits beyond a double are kept to 64 bits, and beyond these as text', async (t) => {
  const csv = 'a,b\n9007199254740993,12345678901234567890123\n18446744073709551615,1\n'
  assert.deepEqual((await read(t, 'a.csv', csv)).rows[0], { a: 9007199254740993n, b: '12345678901234567890123' })
  assert.deepEqual((await read(t, 'a.jsonl', '{"a":18446744073709551615}\n')).rows, [{ a: 18446744073709551615n }])
})

test('a declared type goes before any guess, and what does not fit is refused by row, column, value and rule', async (t) => {
  const types = new Map([
    ['zip', 'string'],
    ['n', 'integer'],
  ] as const)
  assert.deepEqual((await read(t, 'a.csv', 'zip,n\n7,NA\n', { types })).rows, [{ zip: '7', n: null }])
  assert.deepEqual((await read(t, 'a.jsonl', '{"zip":7,"n":"12"}\n', { types })).rows, [{ zip: '7', n: 12 }])
  await assert.rejects(
    read(t, 'a.csv', 'zip,n\n7,1\n8,1.5\n9,x\n', { types }),
    refused(/"a.csv": row 2, column "n": "1.5" must be an integer, as the column is declared \(and 1 more\)/),
  )
})

test('the separator is the one under which every row fits, and else the refusal says which would', async (t) => {
  const { rows, notes } = await read(t, 'a.csv', '\uFEFFid;text\n1;"a;b"\n')
  assert.deepEqual(rows, [{ id: 1, text: 'a;b' }])
  assert.equal(notes[0], 'separator ";"')
  await assert.rejects(read(t, 'a.csv', 'id,a;b;c\n1;x;y\n2;x\n'), refused(/line 2 has 1 fields, the header has 2/))
  await assert.rejects(
    read(t, 'a.csv', 'a,b;c\n1,2;3\n'),
    refused(/with the comma and with the semicolon.*--separator/),
  )
  await assert.rejects(read(t, 'a.csv', ''), refused(/is empty/))
})

test('a decimal comma is read where nothing else is meant, and asked about where it might be a thousand', async (t) => {
  const types = new Map([['x', 'number']] as const)
  assert.deepEqual((await read(t, 'a.csv', 'id;x\n1;3,14\n')).rows, [{ id: 1, x: 3.14 }])
  await assert.rejects(read(t, 'a.csv', 'id;x\n1;1,234\n', { types }), refused(/one thousand or a decimal.*--decimal/))
  assert.deepEqual((await read(t, 'a.csv', 'id;x\n1;1,234\n', { types, decimal: ',' })).rows, [{ id: 1, x: 1.234 }])
  assert.deepEqual((await read(t, 'a.csv', 'id;x\n1;+,5e1\n', { types, decimal: ',' })).rows, [{ id: 1, x: 5 }])
  await assert.rejects(
    read(t, 'a.csv', 'id;x\n1;1.234\n', { types, decimal: ',' }),
    refused(/"1.234" must be a number/),
  )
})

test('an empty cell is missing and a quoted empty one a text; words for nothing are missing in columns of numbers only', async (t) => {
  const { rows } = await read(t, 'a.csv', 'name,n\n,1\n"",NA\nNA,\n')
  assert.deepEqual(rows, [
    { name: null, n: 1 },
    { name: '', n: null },
    { name: 'NA', n: null },
  ])
})

test('an encoding that is not UTF-8 is read when it says so or is named, and else refused with its line', async (t) => {
  const latin = Buffer.from('id,text\n1,caf\u00e9\n', 'latin1')
  await assert.rejects(read(t, 'a.csv', latin), refused(/not UTF-8 from about line 2 on.*--encoding windows-1252/))
  assert.equal((await read(t, 'a.csv', latin, { encoding: 'windows-1252' })).rows[0]?.['text'], 'caf\u00e9')
  assert.equal(
    (await read(t, 'a.csv', Buffer.from('\uFEFFid,text\n1,\u00e9\n', 'utf16le'))).rows[0]?.['text'],
    '\u00e9',
  )
  await assert.rejects(read(t, 'a.csv', 'id,text\n1,a\u0000b\n'), refused(/NUL/))
  await assert.rejects(read(t, 'a.jsonl', '{"a":"nice \\ud83d"}\n'), refused(/surrogate/))
})

test('times are ISO 8601, without a zone UTC, or of the named format; nothing else', async (t) => {
  const types = new Map([['at', 'time']] as const)
  const times = async (text: string, timeFormat?: string) =>
    (await read(t, 'a.csv', `at,n\n${text},1\n`, { types, timeFormat })).rows[0]?.['at']
  assert.equal(await times('2026-03-01'), '2026-03-01T00:00:00.000Z')
  assert.equal(await times('2026-03-01 10:00+01:00'), '2026-03-01T09:00:00.000Z')
  assert.equal(await times('01/02/2026 23:59', '%d/%m/%Y %H:%M'), '2026-02-01T23:59:00.000Z')
  for (const text of [
    '01/02/2026',
    '2026-02-30',
    '1767225600000',
    '2026-01-01T00:00:00.0000001Z',
    '0026-01-01',
    'Jan 5, 2026',
  ])
    await assert.rejects(times(`"${text}"`), refused(/must be a time in ISO 8601/), text)
})

test('names are plain keys; two that differ in case or blanks only are refused', async (t) => {
  const { rows, notes } = await read(t, 'a.csv', ' id ,constructor,toString\n1,2,3\n')
  assert.deepEqual(Object.entries(rows[0] ?? {}), [
    ['id', 1],
    ['constructor', 2],
    ['toString', 3],
  ])
  assert.match(notes[0] ?? '', /blanks around 1 column/)
  await assert.rejects(read(t, 'a.csv', 'city,City\n1,2\n'), refused(/"city" and "City"/))
  await assert.rejects(read(t, 'a.csv', ',a\n0,1\n'), refused(/column 1 has values and no name.*index=False/))
  assert.deepEqual((await read(t, 'a.csv', 'a,b,\n1,2,\n')).rows, [{ a: 1, b: 2 }])
})

test('blank lines are passed over, blanks around quotes are no part of the value, and a quote without an end is refused', async (t) => {
  assert.deepEqual((await read(t, 'a.csv', '\n\nid,text\n1,"a" \n   \n2, "b"\n')).rows, [
    { id: 1, text: 'a' },
    { id: 2, text: 'b' },
  ])
  await assert.rejects(read(t, 'a.csv', 'id,text\n1,"a\n2,b\n'), refused(/line 2.*never closed/))
})

test('a gzipped file reads as its text does, and one that only claims to be is refused', async (t) => {
  assert.deepEqual((await read(t, 'a.csv.gz', gzipSync('id\n1\n'))).rows, [{ id: 1 }])
  await assert.rejects(read(t, 'a.csv.gz', 'id\n1\n'), refused(/cannot be unpacked/))
})

test('text with quotes, commas and line breaks in fields comes back as it was written', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é'), maxLength: 6 })
  const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`
  const types = new Map([
    ['x', 'string'],
    ['y', 'string'],
  ] as const)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }), async (written) => {
      const text = ['x,y', ...written.map((row) => row.map(quoted).join(','))].join('\n')
      const table = await openCsvText(text, { types, separator: ',' })
      const rows: Row[] = []
      for await (const batch of table.read()) rows.push(...batch)
      assert.deepEqual(
        rows,
        written.map(([x, y]) => ({ x, y })),
      )
    }),
  )
})

test('the separator that a spreadsheet says in the first line is read as such, and lines of nothing but separators stay rows', async (t) => {
  // Whether everything is missing is for whoever reads the rows.
  assert.deepEqual((await read(t, 'a.csv', 'id,x\n1,2\n,\n')).rows[1], { id: null, x: null })
  const said = await read(t, 'a.csv', 'sep=;\r\nid;x\r\n1;1,5\r\n')
  assert.deepEqual(said.rows, [{ id: 1, x: 1.5 }])
  assert.deepEqual((await read(t, 'a.csv', 'sep=,\nid,x\n1,5\n')).rows, [{ id: 1, x: 5 }])
  assert.deepEqual((await read(t, 'a.csv', 'sep=;\nid|x\n1|5\n', { separator: '|' })).rows, [{ id: 1, x: 5 }])
})

test('what is named like a text and is none says what it is', async (t) => {
  const zipped = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.from('xl/workbook.xml')])
  await assert.rejects(read(t, 'a.csv', zipped), refused(/is no text: it is a ZIP archive, as Excel writes.*CSV UTF-8/))
  await assert.rejects(read(t, 'a.xlsx', zipped), refused(/is not \.csv.*CSV UTF-8/))
  await assert.rejects(read(t, 'a.jsonl', gzipSync('{"a":1}')), refused(/is gzipped.*end with \.gz/))
  await assert.rejects(read(t, 'a.csv', 'PAR1xxxx'), refused(/is Parquet.*Name it \.parquet/))
})

test('a column that an object has twice is refused, and a name within a value is none', async (t) => {
  await assert.rejects(
    read(t, 'a.jsonl', '{"a":1}\n{"x":1,"b":{"x":2},"\\u0078":3}\n'),
    refused(/line 2 has the column "x" twice/),
  )
  const harmless = '{"a":"\\"x\\":1, \\"x\\":2","at":"08:20:00","b c" : "}","d":"\\\\"}'
  assert.deepEqual((await read(t, 'a.jsonl', harmless)).rows, [
    { a: '"x":1, "x":2', at: '08:20:00', 'b c': '}', d: '\\' },
  ])
})

test('a number with signs between thousands, a unit or an object in its place is refused with the way to write it', async (t) => {
  const types = new Map([['x', 'number']] as const)
  await assert.rejects(
    read(t, 'a.csv', 'id;x\n1;1,234.5\n', { types }),
    refused(/"1,234\.5" must be a number.*1234\.5/),
  )
  await assert.rejects(read(t, 'a.csv', 'id,x\n1,5%\n', { types }), refused(/"5%" must be a number.*no percent/))
  await assert.rejects(
    read(t, 'a.jsonl', '{"x":{"a":1}}\n', { types }),
    refused(/row 1, column "x": \{"a":1\} must be a number/),
  )
})
