import { Name, object, oneOf, optional } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'

const Role = oneOf(['viewer', 'member', 'admin'])
const Issuer = Type.String({ pattern: '^https?://[^\\s?#]+$', maxLength: 500, description: 'As its tokens name it' })

const Claims = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Boolean(), Type.Number(), Type.Array(Type.String(), { minItems: 1 })]),
  { minProperties: 1, description: 'What its token has to say: each claim with this value, or one of several' },
)

/** `access` in `keel.yaml` */
export const AccessRules = object({
  oidc: optional(
    object({
      issuer: Issuer,
      client: Type.String({ minLength: 1, maxLength: 200, description: 'The id that the provider knows Evenkeel by' }),
      name: optional(Type.String({ maxLength: 60, description: 'What the button says, such as Google' })),
      admit: optional(
        Type.Array(object({ claims: Claims, role: Role }), {
          maxItems: 50,
          description: 'Who comes in without an invitation; the first that fits gives the role',
        }),
      ),
    }),
  ),
  ci: optional(
    Type.Array(
      object({
        name: Name,
        issuer: Issuer,
        audience: Type.String({ minLength: 1, maxLength: 500 }),
        claims: Claims,
        role: Role,
        scopes: optional(
          Type.Array(Type.String({ maxLength: 128 }), { minItems: 1, description: 'As scopes of a token' }),
        ),
      }),
      { maxItems: 50, description: 'Jobs of CI that sign in by the token of their platform; no secret is stored' },
    ),
  ),
})
