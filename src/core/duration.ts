import { invalidInput } from './errors.ts'

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour
export const week = 7 * day

const lengths = { ms: 1, s: second, m: minute, h: hour, d: day, w: week }

export type DurationUnit = keyof typeof lengths

/** Of what people plan. */
export const lasting = ['s', 'm', 'h', 'd', 'w'] as const satisfies DurationUnit[]

/** Of what somebody waits for: a timer of the platform ends at 24 days. */
export const waiting = ['ms', 's', 'm'] as const satisfies DurationUnit[]

/** `250ms`, `10s`, `5m`, `2h`, `1d`, `4w` in milliseconds; people may also write `1.5h`. */
export function milliseconds(text: string): number {
  const [, count, unit] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)$/.exec(text) ?? []
  if (count === undefined || unit === undefined)
    throw invalidInput(`"${text}" is not a duration.`, { name: text, hint: 'Write it as 30s, 10m, 2h, 7d or 4w.' })
  return Number(count) * lengths[unit as DurationUnit]
}
