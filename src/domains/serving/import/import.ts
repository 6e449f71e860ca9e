export { importProblems, listImports, runImports } from './listing.ts'
export { importRows } from './look.ts'
export { planAfterPredictions, planAfterRows, planAfterSpec } from './planning.ts'
