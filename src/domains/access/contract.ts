import { contract, Name, Nothing, object, oneOf, optional, page, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

export const RoleName = oneOf(['viewer', 'member', 'admin'])

const Token = object({
  id: Type.String(),
  name: Name,
  role: RoleName,
  createdAt: Time,
  expiresAt: optional(Time),
  revoked: Type.Boolean(),
})

export const access = contract({
  whoami: {
    method: 'GET',
    path: '/whoami',
    role: 'viewer',
    summary: 'Who you are to this server',
    input: Nothing,
    output: object({ name: Type.String(), role: RoleName }),
  },
  createToken: {
    method: 'POST',
    path: '/tokens',
    role: 'admin',
    summary: 'Creates a token; its text is shown this once and never stored',
    input: object({ name: Name, role: RoleName, days: optional(Type.Integer({ minimum: 1, maximum: 3650 })) }),
    output: object({ ...Token.properties, token: Type.String() }),
  },
  listTokens: {
    method: 'GET',
    path: '/tokens',
    role: 'admin',
    summary: 'All tokens, without their texts',
    input: Nothing,
    output: page(Token),
  },
  revokeToken: {
    method: 'DELETE',
    path: '/tokens/:token',
    role: 'admin',
    summary: 'Makes a token useless at once',
    input: object({ token: Name }),
    output: Token,
  },
})
