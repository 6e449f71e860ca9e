import { exactInteger } from '../json/json.ts'
import { type ColumnType, isMissingText } from './values.ts'

/**
 * What the texts of one undeclared column of a CSV may still be, narrowed by each of them, in constant space. A column is a
 * column of numbers when one way of printing numbers gives back every text of it: JavaScript's and R's shortest form (`1`,
 * `0.5`), Python's `repr` (`1.0`, `1e-05`), or a fixed count of decimals (`10.50`). So `02134`, `1_000` and `12e4567` stay text.
 */
export type Guess = {
  integer: boolean
  shortest: boolean
  python: boolean
  /** Decimals that every text so far has; undefined before the first, null when they differ. */
  decimals: number | null | undefined
  boolean: boolean
  /** The first value that left only text, and why: it is said once. */
  because: { value: string; why: string } | undefined
  seen: boolean
}

export const openGuess = (): Guess => ({
  integer: true,
  shortest: true,
  python: true,
  decimals: undefined,
  boolean: true,
  because: undefined,
  seen: false,
})

/** Takes one cell into account. An empty cell and a word for "no value" tell nothing about the type. */
export function narrow(guess: Guess, text: string, quoted: boolean): void {
  if (!quoted && isMissingText(text)) return
  guess.seen = true
  if (guess.boolean && text !== 'true' && text !== 'false') guess.boolean = false
  if (guess.because !== undefined) return
  if (guess.integer && !isExactInteger(text)) guess.integer = false
  const number = /^-?\d/.test(text) ? Number(text) : Number.NaN
  if (guess.shortest && String(number) !== text) guess.shortest = false
  if (guess.python && pythonText(number) !== text) guess.python = false
  if (guess.decimals !== null) guess.decimals = fixedDecimals(guess.decimals, number, text)
  if (!guess.integer && !guess.shortest && !guess.python && guess.decimals === null)
    guess.because = { value: text, why: reasonOf(text) }
}

/** The narrowest type that prints every value back as it was written. */
export function guessedType(guess: Guess): ColumnType {
  if (!guess.seen) return 'string'
  if (guess.boolean) return 'boolean'
  if (guess.integer) return 'integer'
  return guess.because === undefined ? 'number' : 'string'
}

function isExactInteger(text: string): boolean {
  return /^(0|-?[1-9]\d*)$/.test(text) && exactInteger(text) !== undefined
}

/** As Python writes a float: with `.0` where it is whole, with an exponent below 1e-4 and from 1e16 on. */
function pythonText(number: number): string {
  if (!Number.isFinite(number)) return 'none'
  const size = Math.abs(number)
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [mantissa = '', exponent = ''] = number.toExponential().split('e')
    const digits = exponent.slice(1).padStart(2, '0')
    return `${mantissa}e${exponent[0]}${digits}`
  }
  return Number.isInteger(number) ? `${Object.is(number, -0) ? '-0' : number}.0` : String(number)
}

function fixedDecimals(before: number | undefined, number: number, text: string): number | null {
  const decimals = /\.(\d{1,100})$/.exec(text)?.[1]?.length
  if (decimals === undefined || (before !== undefined && before !== decimals)) return null
  return Number.isFinite(number) && number.toFixed(decimals) === text ? decimals : null
}

function reasonOf(text: string): string {
  if (/^[+-]?0\d/.test(text)) return 'leading zeros'
  if (/^\+\d/.test(text)) return 'a plus sign'
  if (/^-?\d{19,}$/.test(text)) return 'more digits than 64 bits hold'
  if (/^[+-]?[\d.]+[eE]\d/.test(text)) return 'an exponent'
  if (/^[+-]?[\d.]+$/.test(text)) return 'decimals that no number prints back'
  return 'text'
}
