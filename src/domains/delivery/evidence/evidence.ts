export { forecastOf, trafficRate } from './forecast.ts'
export { judge } from './judge.ts'
