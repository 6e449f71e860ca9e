export { canonicalJson, digestOfJson } from './canonical.ts'
export { exactInteger } from './exact-integer.ts'
export { exactJson, findBigInteger, parseExactJson } from './exact-json.ts'
export { repeatedName } from './repeated-name.ts'
