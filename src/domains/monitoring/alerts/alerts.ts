export { type Finding, type Judgement, judgementOf, labelSignals, settle } from './alerting.ts'
