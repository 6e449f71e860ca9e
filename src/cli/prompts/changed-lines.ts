import { diffArrays } from 'diff'

type Line = { sign: ' ' | '-' | '+'; text: string }

/** Looking for what is common costs time and memory by the square of what differs: past this, all is taken as different. */
const maxEditLength = 2000

/** The lines that turn one text into the other. */
export function changedLines(before: string, after: string): Line[] {
  const [a, b] = [before.split('\n'), after.split('\n')]
  const changes = diffArrays(a, b, { maxEditLength }) ?? [
    { value: a, removed: true, added: false },
    { value: b, removed: false, added: true },
  ]
  return changes.flatMap(({ value, removed, added }) =>
    value.map((text): Line => ({ sign: removed ? '-' : added ? '+' : ' ', text })),
  )
}
