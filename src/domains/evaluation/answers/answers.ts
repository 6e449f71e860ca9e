export { chat } from './chat.ts'
export { type Asked, askBoth, type Measured, type Usage } from './collect.ts'
export {
  type Contender,
  knownConstant,
  type ModelVersion,
  openContender,
  resolveBaseline,
  versionContender,
} from './side.ts'
export { groupingOf, labelsOf } from './usable.ts'
