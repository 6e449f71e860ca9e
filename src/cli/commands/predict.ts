import type { Command } from '../command.ts'
import { assignments, string } from '../input.ts'

export const command: Command = {
  summary: 'Ask an endpoint',
  arguments: '<endpoint> <fields...>',
  options: [
    { flags: '--unit <unit>', help: 'user or session, keeps its arm while a rollout grows' },
    { flags: '--id <id>', help: 'your identifier; labels refer to it' },
  ],
  examples: ['keel predict flight-delay origin=ORD destination=LGA distance=733 hour=17 weekday=4 route=ORD-LGA'],
  async run(session, { args: [endpoint = '', ...pairs], options }) {
    const unit = string(options['unit'])
    const id = string(options['id'])
    const answer = await (await session.client()).serving.predict({
      endpoint,
      inputs: assignments(pairs),
      ...(unit === undefined ? {} : { unit }),
      ...(id === undefined ? {} : { id }),
    })
    return {
      data: answer,
      text: `${answer.output}\t${answer.release} (v${answer.version})\t${answer.id}`,
      next: [`keel replay ${answer.id}`],
    }
  },
}
