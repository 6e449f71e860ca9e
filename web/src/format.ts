import * as format from '../../src/client/format.ts'

export { interval, milliseconds, number, percent } from '../../src/client/format.ts'

export function day(iso: string | null | undefined): string {
  return iso ? iso.slice(0, 10) : '–'
}

export function moment(iso: string | null | undefined): string {
  return iso ? `${format.moment(iso)} UTC` : '–'
}

/** `24 days`, from one time to another. */
export function span(from: string, to: string): string {
  const hours = (Date.parse(to) - Date.parse(from)) / 3_600_000
  return hours < 48 ? `${Math.max(0, Math.round(hours))} h` : `${Math.round(hours / 24)} days`
}

export const stateWords = {
  steady: { word: 'steady', shape: '●' },
  rolling_out: { word: 'rolling out', shape: '◐' },
  needs_you: { word: 'needs you', shape: '▲' },
  cannot_tell: { word: 'cannot tell', shape: '?' },
  not_released: { word: 'not released', shape: '○' },
} as const
