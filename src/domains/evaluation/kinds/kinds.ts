export type { Answered } from './answered.ts'
export { type AnswerBasis, type AnswersOfSpec, answersOf, basisOf } from './answers.ts'
export { expectedLabel, type Label, readLabel } from './labels.ts'
export { kinds } from './table.ts'
