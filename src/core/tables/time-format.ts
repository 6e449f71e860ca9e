import { invalidInput } from '../errors.ts'
import { instantOf, offsetOf } from '../time.ts'

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** Letters of strptime (POSIX): what each matches, and where it goes. */
const letters: Record<string, string> = {
  Y: '(?<year>\\d{4})',
  m: '(?<month>\\d{1,2})',
  b: '(?<monthName>[A-Za-z]{3})',
  d: '(?<day>\\d{1,2})',
  H: '(?<hour>\\d{1,2})',
  I: '(?<hour12>\\d{1,2})',
  p: '(?<half>[AaPp][Mm])',
  M: '(?<minute>\\d{1,2})',
  S: '(?<second>\\d{1,2})',
  f: '(?<fraction>\\d{1,9})',
  z: '(?<zone>Z|[+-]\\d\\d:?\\d\\d)',
  '%': '%',
}

/**
 * A reader of one time format in the letters of strptime: `%d/%m/%Y %H:%M`. Without `%z` the text is UTC.
 * Two-digit years are not among the letters: nobody can tell their century.
 */
export function timeFormat(format: string): (text: string) => number | undefined {
  const pattern = compile(format)
  return (text) => {
    const found = pattern.exec(text)?.groups
    if (!found) return undefined
    const month =
      found['monthName'] === undefined ? Number(found['month']) : months.indexOf(found['monthName'].toLowerCase()) + 1
    const parts = {
      year: Number(found['year']),
      month,
      day: Number(found['day']),
      hour: hourOf(found),
      minute: Number(found['minute'] ?? 0),
      second: Number(found['second'] ?? 0),
      fraction: found['fraction'] ?? '',
    }
    return instantOf(parts, offsetOf(found['zone']))
  }
}

function hourOf({ hour, hour12, half }: Record<string, string | undefined>): number {
  if (hour12 === undefined) return Number(hour ?? 0)
  const twelve = Number(hour12)
  if (twelve < 1 || twelve > 12) return Number.POSITIVE_INFINITY
  return (twelve % 12) + (half?.toLowerCase() === 'pm' ? 12 : 0)
}

function compile(format: string): RegExp {
  const used = new Set<string>()
  const source = format.replaceAll(/%(.)|[^%]/gs, (part, letter: string | undefined) => {
    if (letter === undefined) return part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    const piece = letters[letter]
    if (piece === undefined || (used.has(letter) && letter !== '%'))
      throw wrong(format, `"%${letter}" cannot be used here`)
    used.add(letter)
    return piece
  })
  const complete = used.has('Y') && used.has('d') && (used.has('m') || used.has('b'))
  if (!complete) throw wrong(format, 'it needs a year (%Y), a month (%m or %b) and a day (%d)')
  if (used.has('I') !== used.has('p')) throw wrong(format, '%I and %p go together')
  return new RegExp(`^${source}$`)
}

function wrong(format: string, why: string) {
  return invalidInput(`The time format "${format}" cannot be read: ${why}.`, {
    name: format,
    hint: 'Such as "%d/%m/%Y %H:%M". Letters: %Y %m %b %d %H %I %p %M %S %f %z.',
  })
}
