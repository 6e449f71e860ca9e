export { chat } from './chat.ts'
export { type Asked, askBoth } from './collect.ts'
export {
  type Contender,
  knownConstant,
  type ModelVersion,
  openContender,
  resolveBaseline,
  versionContender,
} from './side.ts'
export { groupingOf, labelsOf } from './usable.ts'
export type { Measured, Usage } from './usage.ts'
