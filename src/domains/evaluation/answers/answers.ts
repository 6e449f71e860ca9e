export { type AnswerMarks, type CollectedAnswers, collectAnswers } from './collect.ts'
export { constantBaseline, constantOf } from './constant.ts'
export { faultOfBaseline } from './fault.ts'
export { openSide } from './open-side.ts'
export { resolveBaseline } from './opponent.ts'
export {
  type Golden,
  type ModelVersion,
  type Side,
  versionSide,
} from './side.ts'
export { groupingOf, labelsOf } from './usable.ts'
export type { Measurements, Usage } from './usage.ts'
