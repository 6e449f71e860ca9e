export { counters } from './counters.ts'
export { ready } from './predict.ts'
export {
  type AskedRelease,
  type Call,
  endsAt,
  finish,
  isRefusal,
  type Target,
  toGatewayError,
} from './record-answer.ts'
export { droppedShadows, shadowWork } from './shadow.ts'
