import { RoleName } from '../../domains/access/contract.ts'
import { argument, type Command, count, defineCommand, moment, oneOf, table, text } from '../kit/kit.ts'

export const command: Command = {
  summary: 'The people of this server',
  commands: {
    invite: defineCommand({
      summary: 'Invite somebody by a link; for a user who exists it sets a new password',
      args: { name: argument() },
      options: {
        role: oneOf(RoleName, 'what the user may do'),
        email: text('by which an OpenID provider knows the user', 'address'),
        days: count('how long the link is valid (default 7)', 'days'),
      },
      async run(session, { args: { name }, options: { role, email, days } }) {
        const invited = await (await session.client()).access.inviteUser({ name, role, email, days })
        const { config } = await session.settings()
        const address = config.url === '' ? await session.url() : config.url
        session.say(`Send it to ${name}: it can be used once, until ${moment(invited.expiresAt)}.`)
        return { data: invited, text: new URL(invited.link, address).href }
      },
    }),
    list: {
      summary: 'Who there is, and how they sign in',
      async run(session) {
        const { items } = await (await session.client()).access.listUsers({})
        return {
          data: items,
          text: table(
            ['name', 'role', 'address', 'signs in by', 'since', 'state'],
            items.map(({ name, role, email = '', ways, createdAt, active }) => [
              name,
              role,
              email,
              ways.join(', '),
              moment(createdAt),
              active ? 'active' : 'may not sign in',
            ]),
          ),
        }
      },
    },
    change: defineCommand({
      summary: 'Change the role or the address of a user, or whether the user may sign in',
      args: { name: argument() },
      options: {
        role: oneOf(RoleName, 'what the user may do'),
        email: text('by which an OpenID provider knows the user', 'address'),
        state: oneOf({ enum: ['active', 'blocked'] }, 'whether the user may sign in'),
      },
      async run(session, { args: { name }, options: { role, email, state } }) {
        const active = state === undefined ? undefined : state === 'active'
        const user = await (await session.client()).access.changeUser({ user: name, role, email, active })
        return { data: user, text: `${user.name} is a ${user.role}${user.active ? '' : ' and may not sign in'}.` }
      },
    }),
    invitations: {
      summary: 'Invitations that are open',
      async run(session) {
        const { items } = await (await session.client()).access.listInvitations({})
        return {
          data: items,
          text: table(
            ['invitation', 'name', 'role', 'by', 'until'],
            items.map(({ id, name, role, by, expiresAt }) => [id, name, role, by, moment(expiresAt)]),
          ),
        }
      },
    },
    'revoke-invitation': defineCommand({
      summary: 'Take an invitation back',
      args: { invitation: argument() },
      async run(session, { args: { invitation } }) {
        await (await session.client()).access.revokeInvitation({ invitation })
        return { data: { invitation }, text: 'Its link leads nowhere now.' }
      },
    }),
    sessions: {
      summary: 'Where people are signed in',
      async run(session) {
        const { items } = await (await session.client()).access.listSessions({ all: true })
        return {
          data: items,
          text: table(
            ['session', 'user', 'browser', 'since', 'last used'],
            items.map(({ id, user, agent = '', createdAt, lastUsedAt }) => [
              id,
              user,
              agent.slice(0, 40),
              moment(createdAt),
              moment(lastUsedAt),
            ]),
          ),
        }
      },
    },
    'end-session': defineCommand({
      summary: 'Sign somebody out at once',
      args: { session: argument() },
      async run(session, { args }) {
        await (await session.client()).access.endSession({ session: args.session })
        return { data: { session: args.session }, text: 'It is ended.' }
      },
    }),
  },
}
