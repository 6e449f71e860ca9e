export {
  type DetectedSignal,
  evaluateAlertRules,
  labelSignals,
  signalsOfWindow,
  type WindowSignals,
} from './alerting.ts'
