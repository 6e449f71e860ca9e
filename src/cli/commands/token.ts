import { type Command, moment, optionalNumber, string, table } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Tokens for people and services',
  commands: {
    create: {
      summary: 'Create a token; its text is shown this once',
      arguments: '<name>',
      options: [
        { flags: '--role <role>', help: 'viewer, member or admin (default viewer)' },
        { flags: '--days <days>', help: 'how long it is valid' },
      ],
      async run(session, { args: [name = ''], options }) {
        const days = optionalNumber(options['days'], '--days')
        const role = (string(options['role']) ?? 'viewer') as 'viewer'
        const created = await (await session.client()).access.createToken({
          name,
          role,
          ...(days === undefined ? {} : { days }),
        })
        session.say('Keep it: it is not stored and cannot be shown again.')
        return { data: created, text: created.token }
      },
    },
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
    revoke: {
      summary: 'Make a token useless at once',
      arguments: '<token>',
      async run(session, { args: [token = ''] }) {
        const revoked = await (await session.client()).access.revokeToken({ token })
        return { data: revoked, text: `${revoked.name} is revoked.` }
      },
    },
  },
}
