import * as registry from '../../registry/registry.ts'

/** What the answers of one request say, and what is to be said of them. */
export type Said = {
  /** As it is logged: one text, or a list of them as JSON; null where there is none. */
  text: string | null
  /** By place. */
  marks: registry.AnswerMark[][]
}

/** Several answers to one request are kept apart. */
export function saidBy(choices: readonly registry.Choice[], tools: boolean): Said {
  const read = choices.map((choice) => registry.readChoice(choice, { tools }))
  const [only] = read
  const texts = read.map(({ text }) => text)
  const several = texts.some((text) => text !== null) ? JSON.stringify(texts) : null
  return { text: read.length === 1 ? (only?.text ?? null) : several, marks: read.map(({ marks }) => marks) }
}

/** Each mark once, whichever of the answers has it. */
export function together(marks: readonly (readonly registry.AnswerMark[])[]): registry.AnswerMark[] {
  return [...new Set(marks.flat())]
}
