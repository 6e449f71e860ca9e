export { checkMoment, checkRequirements, refused, refuseMissing, rulesUnder } from './check.ts'
