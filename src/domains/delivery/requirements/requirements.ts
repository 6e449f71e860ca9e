export { checkRequirements, refused } from './check.ts'
