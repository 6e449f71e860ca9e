import { RoleName } from '../../domains/access/contract.ts'
import {
  argument,
  type Command,
  count,
  defineCommand,
  flag,
  moment,
  oneOf,
  table,
  texts,
  withDefault,
} from '../kit/kit.ts'

export const command: Command = {
  summary: 'Tokens for people and services',
  commands: {
    create: defineCommand({
      summary: 'Create a token; its text is shown this once',
      args: { name: argument() },
      options: {
        role: withDefault(oneOf(RoleName, 'what it may do'), 'viewer'),
        days: count('how long it is valid', 'days'),
        service: flag('of a program and not of a person'),
        scope: texts('an operation that it may call, such as serving.*; may be given several times', 'operation'),
      },
      async run(session, { args: { name }, options: { days, role, service, scope } }) {
        const created = await (await session.client()).access.createToken({
          name,
          role,
          days,
          service: service || undefined,
          scopes: scope.length === 0 ? undefined : scope,
        })
        session.say('Keep it: it is not stored and cannot be shown again.')
        return { data: created, text: created.token }
      },
    }),
    list: {
      summary: 'All tokens, without their texts',
      async run(session) {
        const { items } = await (await session.client()).access.listTokens({})
        return {
          data: items,
          text: table(
            ['token', 'name', 'of', 'role', 'scopes', 'created', 'last used', 'expires', 'state'],
            items.map((row) => [
              row.id,
              row.name,
              row.service ? 'a service' : (row.owner ?? ''),
              row.role,
              row.scopes?.join(', ') ?? 'all',
              moment(row.createdAt),
              moment(row.lastUsedAt),
              moment(row.expiresAt),
              row.revoked ? 'revoked' : 'valid',
            ]),
          ),
        }
      },
    },
    revoke: defineCommand({
      summary: 'Make a token useless at once',
      args: { token: argument() },
      async run(session, { args: { token } }) {
        const revoked = await (await session.client()).access.revokeToken({ token })
        return { data: revoked, text: `${revoked.name} is revoked.` }
      },
    }),
  },
}
