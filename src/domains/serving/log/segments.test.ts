import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { testContext } from '../../../../test/support/context.ts'
import { answerMarks } from '../../registry/registry.ts'
import { readLog } from '../serving.ts'
import { addLine, createLines, readLines } from './lines.ts'
import type { LogRecord } from './log-record.ts'
import { writeSegment } from './segments.ts'

const plain: LogRecord = {
  id: 'p',
  endpoint: 'any',
  at: '2026-01-01T00:00:00.000Z',
  unit: 'u',
  release: 'any.r1',
  version: 1,
  arm: 'live',
  inputs: {},
  output: 0.5,
  bad: null,
  latencyMs: 1.25,
  fallback: false,
  forced: false,
  traceId: null,
  knownAt: null,
  cost: null,
  tokens: null,
  firstTokenMs: null,
  marks: [],
}

/** Any UTF-16 there is: halves of surrogate pairs, control characters, and what looks like an escape. */
const unit16 = fc.oneof(
  fc.nat(0xffff).map((code) => String.fromCharCode(code)),
  fc.constantFrom('\\', '"', '\ufeff', '\\ud800', '\ud83d', '\ude00', '\n'),
)
const text = fc.array(unit16, { maxLength: 12 }).map((parts) => parts.join(''))

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (Array.isArray(value)) return value.map(wellFormed)
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name.toWellFormed(), wellFormed(item)]))
}

/** The reader of columns takes a byte order mark at the beginning of a text for what its name says. */
const stored = (logged: LogRecord) => wellFormed({ ...logged, unit: logged.unit.replace(/^\ufeff/, '') })

test('every text and number comes back from memory and from a segment; only half a character is a replacement character', async (t) => {
  const ctx = await testContext(t)
  const one = fc.record({
    unit: text,
    inputs: fc.dictionary(text, fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null))),
    output: fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
    knownAt: fc.option(fc.dictionary(fc.string(), fc.nat())),
    tokens: fc.option(fc.record({ input: fc.nat(), output: fc.nat() })),
    firstTokenMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
    marks: fc.subarray([...answerMarks]),
  })
  let endpoints = 0
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 40 }), async (given) => {
      const endpoint = `e${endpoints++}`
      const records = given.map((more, index): LogRecord => ({ ...plain, ...more, endpoint, id: `p${index}` }))
      const lines = createLines(endpoint)
      for (const record of records) addLine(lines, record)
      assert.deepEqual(
        readLines(lines, '"p0"').map(({ id }) => id),
        ['p0'],
      )
      assert.deepEqual(
        readLines(lines),
        records.map((record) => wellFormed(record)),
      )
      await writeSegment(ctx, lines, async () => undefined)
      const found = await readLog(ctx, { endpoint, from: '' })
      const byId = new Map(found.map(({ label: _, labelKnownAt: __, ...logged }) => [logged.id, logged]))
      for (const record of records) assert.deepEqual(byId.get(record.id), stored(record))
    }),
    { numRuns: 20 },
  )
})
