export { judgeCheck } from './judge.ts'
export { type AnswerScores, scoreAnswers } from './scorers.ts'
