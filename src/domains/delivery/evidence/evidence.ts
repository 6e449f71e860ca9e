export { forecastOf } from './forecast.ts'
export { guardsNow, lookAt } from './look.ts'
