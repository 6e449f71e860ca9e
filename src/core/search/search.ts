export { type Clause, parseFilter, parseSort } from './language.ts'
export { number, words } from './values.ts'
