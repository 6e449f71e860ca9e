export { judgeCheck } from './judge.ts'
export { ruleScores } from './rule-scores.ts'
export { type AnswerScores, scoreAnswers } from './scorers.ts'
