export { judgeCheck } from './judge.ts'
export { type Scored, scoreAnswers } from './scorers.ts'
