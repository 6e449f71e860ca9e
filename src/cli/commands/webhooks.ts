import { type Command, list, moment, string, table } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Tell other systems what happens here',
  commands: {
    create: {
      summary: 'Tell an address about events, until it has taken them',
      arguments: '<name> <url>',
      options: [
        {
          flags: '--event <event...>',
          help: 'names of events, such as delivery.rolled_back, registry.* or *',
          required: true,
        },
        { flags: '--format <format>', help: 'generic (default), cloudevents, mlflow, …' },
        { flags: '--secret <text>', help: 'signs every delivery (HMAC-SHA256); stored sealed, never shown' },
        { flags: '--description <text>', help: 'what it is for' },
      ],
      async run(session, { args: [name = '', url = ''], options }) {
        const format = string(options['format']) as 'generic' | undefined
        const secret = string(options['secret'])
        const description = string(options['description'])
        const made = await (await session.client()).webhooks.create({
          name,
          url,
          events: list(options['event']),
          ...(format === undefined ? {} : { format }),
          ...(secret === undefined ? {} : { secret }),
          ...(description === undefined ? {} : { description }),
        })
        return { data: made, text: `${made.id} tells ${made.url}.`, next: [`keel webhooks test ${made.id}`] }
      },
    },
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
    log: {
      summary: 'What was sent to a webhook, newest first',
      arguments: '<webhook>',
      async run(session, { args: [webhook = ''] }) {
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
    },
    test: {
      summary: 'Send one example now',
      arguments: '<webhook>',
      options: [{ flags: '--event <event>', help: 'which event to make up' }],
      async run(session, { args: [webhook = ''], options }) {
        const event = string(options['event'])
        const result = await (await session.client()).webhooks.test({ webhook, ...(event ? { event } : {}) })
        return {
          data: result,
          text: result.ok ? `Taken (${result.status}).` : (result.error ?? `Refused (${result.status}).`),
          exitCode: result.ok ? 0 : 1,
        }
      },
    },
    redeliver: {
      summary: 'Send a failed delivery again: same id, same bytes',
      arguments: '<delivery>',
      async run(session, { args: [delivery = ''] }) {
        const row = await (await session.client()).webhooks.redeliver({ delivery })
        return { data: row, text: `${row.id} is tried again.` }
      },
    },
    on: toggle(true, 'Switch a webhook on'),
    off: toggle(false, 'Switch a webhook off; what waits is dropped'),
    remove: {
      summary: 'Remove a webhook with its log',
      arguments: '<webhook>',
      async run(session, { args: [webhook = ''] }) {
        await (await session.client()).webhooks.remove({ webhook })
        return { data: {}, text: `${webhook} is removed.` }
      },
    },
  },
}

function toggle(active: boolean, summary: string): Command {
  return {
    summary,
    arguments: '<webhook>',
    async run(session, { args: [webhook = ''] }) {
      const changed = await (await session.client()).webhooks.update({ webhook, active })
      return { data: changed, text: `${changed.name} is ${active ? 'on' : 'off'}.` }
    },
  }
}
