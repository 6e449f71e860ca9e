export { canonicalJson, digestOfJson } from './canonical.ts'
export { exactJson, findBigInteger, parseExactJson } from './exact-json.ts'
