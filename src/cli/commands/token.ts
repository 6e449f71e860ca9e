import { RoleName } from '../../domains/access/contract.ts'
import { argument, type Command, count, defineCommand, moment, oneOf, table, withDefault } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Tokens for people and services',
  commands: {
    create: defineCommand({
      summary: 'Create a token; its text is shown this once',
      args: { name: argument() },
      options: {
        role: withDefault(oneOf(RoleName, 'what it may do'), 'viewer'),
        days: count('how long it is valid', 'days'),
      },
      async run(session, { args: { name }, options: { days, role } }) {
        const created = await (await session.client()).access.createToken({
          name,
          role,
          days,
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
            ['token', 'name', 'role', 'created', 'expires', 'state'],
            items.map((row) => [
              row.id,
              row.name,
              row.role,
              moment(row.createdAt),
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
