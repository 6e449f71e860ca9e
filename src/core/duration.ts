import { Type } from 'typebox'
import { invalidInput } from './errors.ts'

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour
export const week = 7 * day

const lengths = { ms: 1, s: second, m: minute, h: hour, d: day, w: week }

type Unit = keyof typeof lengths

/** Of what people plan. */
const lasting = ['s', 'm', 'h', 'd', 'w'] as const satisfies Unit[]

/** Of what somebody waits for: a timer of the platform ends at 24 days. */
export const waiting = ['ms', 's', 'm'] as const satisfies Unit[]

/** A text such as 30s, 2h or 7d in one of the units. */
export function duration(
  description: string,
  { units = lasting, positive = false }: { units?: readonly Unit[]; positive?: boolean } = {},
) {
  return Type.String({ pattern: `^${positive ? '[1-9][0-9]*' : '[0-9]+'}(${units.join('|')})$`, description })
}

export const Duration = duration('Such as 30m, 1h, 2d')

/** `250ms`, `10s`, `5m`, `2h`, `1d`, `4w` in milliseconds; people may also write `1.5h`. */
export function milliseconds(text: string): number {
  const [, count, unit] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)$/.exec(text) ?? []
  if (count === undefined || unit === undefined)
    throw invalidInput(`"${text}" is not a duration.`, { name: text, hint: 'Write it as 30s, 10m, 2h, 7d or 4w.' })
  return Number(count) * lengths[unit as Unit]
}
