export { recordEvaluation, requireEvaluation } from './evaluations.ts'
export { type Examination, evidenceOf, examine, type Recorded } from './run-comparison.ts'
