import { type Command, string, table } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Find the first release that is worse than a good one on the golden set, by halving',
  arguments: '<model>',
  options: [
    { flags: '--good <release>', help: 'a release that was good', required: true },
    { flags: '--bad <release>', help: 'a later one that is not', required: true },
  ],
  examples: ['keel bisect flight-delay --good flight-delay.r3 --bad flight-delay.r11'],
  async run(session, { args: [model = ''], options }) {
    const found = await (await session.client()).delivery.bisect({
      model,
      good: string(options['good']) ?? '',
      bad: string(options['bad']) ?? '',
    })
    const rows = found.looked.map((look) => [
      look.release,
      `v${look.version}`,
      look.verdict.replaceAll('_', ' '),
      look.reason,
    ])
    return {
      data: found,
      text: `${found.explanation}\n\n${table(['release', 'version', 'verdict', 'why'], rows)}`,
      next: found.first === null ? [] : [`keel rollout ${found.first}`],
    }
  },
}
