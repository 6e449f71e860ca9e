export {
  type DetectedSignal,
  evaluateAlertRules,
  labelSignals,
  signalsOfWindow,
} from './alerting.ts'
