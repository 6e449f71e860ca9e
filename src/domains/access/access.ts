export { createToken, listTokens, resolveToken, revokeToken, whoami } from './tokens.ts'
