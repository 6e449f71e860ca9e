export { Type } from './type.ts'
