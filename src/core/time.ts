const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/

/** Years outside of these are mistakes of a format or a unit far more often than moments. */
export const firstYear = 1900
export const lastYear = 2200

type Parts = {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  fraction: string
}

/**
 * The instant of an ISO 8601 text, in epoch milliseconds; without a zone it is UTC, whatever the machine's zone is.
 * Undefined when it is anything else: another form, a day that does not exist, a year outside of 1900 … 2200, or finer than
 * milliseconds (rounding could move a row before its own moment).
 */
export function parseIsoTime(text: string): number | undefined {
  const found = iso.exec(text)
  if (!found) return undefined
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = found
  return instantOf(
    {
      year: Number(year),
      month: Number(month),
      day: Number(day),
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second),
      fraction,
    },
    offsetOf(zone),
  )
}

/** Minutes east of UTC of `Z`, `+02`, `+0200` or `+02:00`; undefined when there is no such offset on earth. */
export function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0
  const found = /^([+-])(\d\d):?(\d\d)?$/.exec(zone)
  if (!found) return undefined
  const minutes = Number(found[2]) * 60 + Number(found[3] ?? '0')
  if (Number(found[3] ?? '0') > 59 || minutes > 14 * 60) return undefined
  return found[1] === '-' ? -minutes : minutes
}

/** Calendar parts to epoch milliseconds, checked by reading them back. */
export function instantOf(parts: Parts, offset: number | undefined): number | undefined {
  const { year, month, day, hour, minute, second, fraction } = parts
  if (offset === undefined || year < firstYear || year > lastYear) return undefined
  if (hour > 23 || minute > 59 || second > 59 || /[1-9]/.test(fraction.slice(3))) return undefined
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const within = ((hour * 60 + minute) * 60 + second) * 1_000 + Number(fraction.slice(0, 3).padEnd(3, '0'))
  return date.getTime() + within - offset * 60_000
}

/** Epoch milliseconds as they are stored and shown. */
export function isoOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

const longIso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s?(Z|z|[+-]\d\d(?::?\d\d)?)?)?$/

/**
 * The moment of an ISO text that was accepted or written before, here or by a program that says its zone: as `parseIsoTime`
 * reads it, and what is finer than milliseconds or in other years too. An invalid date for anything else.
 */
export function dateOf(iso: string): Date {
  const strict = parseIsoTime(iso)
  if (strict !== undefined) return new Date(strict)
  const [, day, clock = '00:00', zone] = longIso.exec(iso) ?? []
  const offset = offsetOf(zone)
  if (day === undefined || offset === undefined) return new Date(Number.NaN)
  return new Date(Date.parse(`${day}T${clock.replace(',', '.')}Z`) - offset * 60_000)
}

/** The same in epoch milliseconds; NaN for anything else. */
export function millisecondsOf(iso: string): number {
  return dateOf(iso).getTime()
}
