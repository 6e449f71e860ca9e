import { FormatName } from '../../domains/webhooks/contract.ts'
import {
  argument,
  type Command,
  defineCommand,
  moment,
  oneOf,
  required,
  table,
  text,
  texts,
  withDefault,
} from '../kit/kit.ts'

export const command: Command = {
  summary: 'Notify other systems of what happens here',
  commands: {
    create: defineCommand({
      summary: 'Notify an address of events, until it has received them',
      args: { name: argument(), url: argument() },
      options: {
        event: required(texts('names of events, such as delivery.rolled_back, registry.* or *', 'event')),
        format: withDefault(oneOf(FormatName, 'the form of its messages'), 'generic'),
        secret: text('signs every delivery (HMAC-SHA256); stored sealed, never shown'),
        description: text('what it is for'),
      },
      async run(session, { args: { name, url }, options: { format, secret, description, event } }) {
        const made = await (await session.client()).webhooks.create({
          name,
          url,
          events: event,
          format,
          secret,
          description,
        })
        return { data: made, text: `${made.id} tells ${made.url}.`, next: [`keel webhooks test ${made.id}`] }
      },
    }),
    list: {
      summary: 'All webhooks, without their secrets',
      async run(session) {
        const { items } = await (await session.client()).webhooks.list({})
        return {
          data: items,
          text: table(
            ['webhook', 'name', 'url', 'events', 'format', 'signed', 'state'],
            items.map((row) => [
              row.id,
              row.name,
              row.url,
              row.events.join(' '),
              row.format,
              row.signed ? 'yes' : 'no',
              row.active ? 'on' : 'off',
            ]),
          ),
        }
      },
    },
    log: defineCommand({
      summary: 'What was sent to a webhook, newest first',
      args: { webhook: argument() },
      async run(session, { args: { webhook } }) {
        const { items } = await (await session.client()).webhooks.deliveries({ webhook })
        return {
          data: items,
          text: table(
            ['delivery', 'event', 'of', 'state', 'attempts', 'status', 'error', 'next try'],
            items.map((row) => [
              row.id,
              row.event,
              row.subject,
              row.state,
              row.attempts,
              row.status,
              row.error,
              moment(row.nextAt),
            ]),
          ),
        }
      },
    }),
    test: defineCommand({
      summary: 'Send one example now',
      args: { webhook: argument() },
      options: { event: text('which event to make up', 'event') },
      async run(session, { args: { webhook }, options: { event } }) {
        const result = await (await session.client()).webhooks.test({ webhook, event })
        return {
          data: result,
          text: result.ok ? `Accepted (${result.status}).` : (result.error ?? `Refused (${result.status}).`),
          exitCode: result.ok ? 0 : 1,
        }
      },
    }),
    redeliver: defineCommand({
      summary: 'Send a failed delivery again: same id, same bytes',
      args: { delivery: argument() },
      async run(session, { args: { delivery } }) {
        const row = await (await session.client()).webhooks.redeliver({ delivery })
        return { data: row, text: `${row.id} is tried again.` }
      },
    }),
    on: toggle(true, 'Switch a webhook on'),
    off: toggle(false, 'Switch a webhook off; what waits is dropped'),
    remove: defineCommand({
      summary: 'Remove a webhook with its log',
      args: { webhook: argument() },
      async run(session, { args: { webhook } }) {
        await (await session.client()).webhooks.remove({ webhook })
        return { data: {}, text: `${webhook} is removed.` }
      },
    }),
  },
}

function toggle(active: boolean, summary: string): Command {
  return defineCommand({
    summary,
    args: { webhook: argument() },
    async run(session, { args: { webhook } }) {
      const changed = await (await session.client()).webhooks.update({ webhook, active })
      return { data: changed, text: `${changed.name} is ${active ? 'on' : 'off'}.` }
    },
  })
}
