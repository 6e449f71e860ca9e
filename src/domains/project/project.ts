export { apply, plan } from './plan.ts'
