import { invalidInput } from '../../core/errors.ts'

/** The position after which a list goes on, newest first. */
export function positionOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  const position = Number(cursor)
  if (Number.isSafeInteger(position)) return position
  throw invalidInput(`"${cursor}" is not a cursor of this list.`, { name: 'cursor' })
}
