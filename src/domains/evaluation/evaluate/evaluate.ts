export { recordEvaluation, requireEvaluation } from './evaluations.ts'
export { type ComparisonRun, evidenceOf, type RecordedAnswers, runComparison } from './run-comparison.ts'
