import { isoOf, millisecondsOf } from '../../../core/time.ts'

/** From its first to its last millisecond. */
export type Minute = { first: string; last: string }

/** `2026-01-31T09:15`, as a time begins. */
export const minuteLength = 16

export function minuteOf(text: string): Minute {
  const first = `${text}:00.000Z`
  return { first, last: isoOf(millisecondsOf(first) + 59_999) }
}
