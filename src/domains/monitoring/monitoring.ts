export { receiveAlerts } from './alerts/external.ts'
export { alertFetch, alertImport } from './alerts/fetch-problems.ts'
export { alertLostPredictions } from './alerts/lost-predictions.ts'
export { alertDrill, alertJob, alertNotStarted, alertPipeline, forgetNotStarted } from './alerts/operations.ts'
export { type Alert, alertsBetween, getAlert, judgeAlert, listAlerts } from './alerts/reading.ts'
export { notifyByEmail, sendEmail, setSinks, storedSinks } from './alerts/receivers.ts'
export { endSilence, listRules, listSilences, silence } from './alerts/silences.ts'
export { type FileDrift, fileDrift, type Tool, tools } from './files/file-drift.ts'
export { isBuiltIn } from './rules.ts'
export { checkSource, scheduleSourceCheck } from './sources/source-watch.ts'
export { watch, watchAgain, watchRecorded } from './windows/open-window.ts'
export {
  drift,
  explainThresholds,
  firstWindowOf,
  latestWindow,
  newestWindow,
  series,
  sketches,
} from './windows/reading.ts'
export { checkLateLabels, recount } from './windows/recount.ts'
export { leaks, servedSkew, skew } from './windows/skew.ts'
export { sampleTraffic } from './windows/traffic-sample.ts'
export { closeWindow, type Window } from './windows/window.ts'
