/** Numbers as people read them, the same on the command line, in comments of a CI and on the screens. */

const nothing = '–'

type Bounds = { lower?: number | null | undefined; upper?: number | null | undefined }

/** Enough digits to tell apart, none for show. */
export function number(value: number | null | undefined, digits = 3): string {
  if (!isNumber(value)) return nothing
  if (Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(digits)
}

export function percent(value: number | null | undefined, digits = 1): string {
  return isNumber(value) ? `${(value * 100).toFixed(digits)} %` : nothing
}

/** `0.1 … 0.3`; nothing where the method gives no interval. */
export function interval({ lower, upper }: Bounds, digits = 3): string {
  return isNumber(lower) && isNumber(upper) ? `${number(lower, digits)} … ${number(upper, digits)}` : ''
}

/** A measured duration, which is in seconds. */
export function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(1)} ms`
}

/** `2001-05-01 12:00`, UTC. */
export function moment(iso: string | null | undefined): string {
  return iso ? iso.slice(0, 16).replace('T', ' ') : nothing
}

function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
