export { type FormatName, formatNames, formats } from './registered.ts'
