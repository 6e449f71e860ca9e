export { decide, listDecisions } from './decisions.ts'
export { addToGolden, codeFailure, listFailures } from './failures.ts'
export { readiness } from './readiness.ts'
export { status } from './status.ts'
