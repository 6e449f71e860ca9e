export { choose, standIns } from './choose.ts'
export { counters } from './counters.ts'
export {
  type AskedRelease,
  type Call,
  endsAt,
  finish,
  isRefusal,
  markedAs,
  type Target,
  toGatewayError,
} from './record-answer.ts'
export { droppedShadows, shadowWork } from './shadow.ts'
