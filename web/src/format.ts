import type { Estimate } from './client.ts'

export function number(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–'
  return Number.isInteger(value) ? String(value) : value.toFixed(digits)
}

export function percent(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : `${(value * 100).toFixed(digits)} %`
}

export function interval({ lower, upper }: Estimate, digits = 3): string {
  return lower === undefined || lower === null || upper === undefined || upper === null
    ? ''
    : `${number(lower, digits)} … ${number(upper, digits)}`
}

export function day(iso: string | null | undefined): string {
  return iso ? iso.slice(0, 10) : '–'
}

export function moment(iso: string | null | undefined): string {
  return iso ? `${iso.slice(0, 16).replace('T', ' ')} UTC` : '–'
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
  not_released: { word: 'not released', shape: '○' },
} as const
