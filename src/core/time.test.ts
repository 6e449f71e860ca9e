import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { timeFormat } from './tables/time-format.ts'
import { dateOf, isoOf, parseIsoTime } from './time.ts'

const iso = (milliseconds: number | undefined) => milliseconds && isoOf(milliseconds)

const moment = fc.date({
  min: new Date('1900-01-01T14:00:00Z'),
  max: new Date('2200-12-31T00:00:00Z'),
  noInvalidDate: true,
})

test('a moment reads back from every way to write it', () => {
  fc.assert(
    fc.property(moment, fc.integer({ min: -14 * 4, max: 14 * 4 }), (date, quarters) => {
      const at = date.getTime()
      assert.equal(parseIsoTime(date.toISOString()), at)
      assert.equal(parseIsoTime(date.toISOString().replace('T', ' ').replace('Z', '')), at)
      const local = isoOf(at + quarters * 15 * 60_000).slice(0, -1)
      const size = Math.abs(quarters) * 15
      const zone = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, '0'))
      const sign = quarters < 0 ? '-' : '+'
      if (Number(local.slice(0, 4)) >= 1900 && Number(local.slice(0, 4)) <= 2200)
        for (const between of [':', '']) assert.equal(parseIsoTime(`${local}${sign}${zone.join(between)}`), at)
    }),
  )
})

test('what is no ISO 8601, no day, no time of day, no zone on earth or outside of 1900 to 2200 is no time', () => {
  for (const text of [
    '',
    '2026',
    '2026-1-1',
    '20260101',
    '2026-02-29',
    '2026-13-01',
    '2026-01-01T24:00',
    '2026-01-01T10:60',
    '2026-01-01T10:00+15:00',
    '2026-01-01T10:00 CET',
    '1899-12-31',
    '2201-01-01',
    '1767225600000',
    '01/02/2026',
    'Jan 5, 2026',
    '2026-01-01T10:00:00.0001Z',
    '2026-01-01T10:00:00Z ',
  ])
    assert.equal(parseIsoTime(text), undefined, text)
})

test('a format reads what it writes and nothing else; without a zone in it the time is UTC', () => {
  const cases: [string, string, string | undefined][] = [
    ['%d/%m/%Y %H:%M', '01/02/2026 23:59', '2026-02-01T23:59:00.000Z'],
    ['%d/%m/%Y %H:%M', '2026-02-01 23:59', undefined],
    ['%d/%m/%Y', '31/02/2026', undefined],
    ['%m/%d/%Y %I:%M %p', '3/1/2026 12:05 AM', '2026-03-01T00:05:00.000Z'],
    ['%m/%d/%Y %I:%M %p', '3/1/2026 12:05 pm', '2026-03-01T12:05:00.000Z'],
    ['%m/%d/%Y %I:%M %p', '3/1/2026 13:05 PM', undefined],
    ['%d %b %Y', '5 Mar 2026', '2026-03-05T00:00:00.000Z'],
    ['%d %b %Y', '5 Foo 2026', undefined],
    ['%Y%m%dT%H%M%S.%f%z', '20260301T013000.25+0130', '2026-03-01T00:00:00.250Z'],
    ['%Y.%m.%d', '2026x03x01', undefined],
    ['%d/%m/%Y 100%%', '01/02/2026 100%', '2026-02-01T00:00:00.000Z'],
  ]
  for (const [format, text, expected] of cases)
    assert.equal(iso(timeFormat(format)(text)), expected, `${format} ${text}`)
})

test('a format that could be read in two ways or not at all is refused with the reason', () => {
  assert.throws(() => timeFormat('%d/%m/%y'), /"%y" cannot be used here/)
  assert.throws(() => timeFormat('%d/%m'), /needs a year/)
  assert.throws(() => timeFormat('%d/%d/%m/%Y'), /"%d" cannot be used here/)
  assert.throws(() => timeFormat('%d/%m/%Y %I:%M'), /%I and %p go together/)
})

test('what was stored before is read as it was meant: finer than milliseconds, of any year, without a zone UTC', () => {
  assert.equal(dateOf('2026-03-01 01:30:00').toISOString(), '2026-03-01T01:30:00.000Z')
  assert.equal(dateOf('2026-03-01T01:30:00.123456+0100').toISOString(), '2026-03-01T00:30:00.123Z')
  assert.equal(dateOf('9999-12-31T00:00:00.000Z').toISOString(), '9999-12-31T00:00:00.000Z')
  for (const text of ['03/01/2026', 'Jan 5, 2026', '1767225600000', ''])
    assert.equal(Number.isNaN(dateOf(text).getTime()), true, text)
})
