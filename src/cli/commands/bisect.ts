import { argument, defineCommand, required, table, text } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Find the first release that is worse than a good one on the golden set, by halving',
  args: { model: argument() },
  options: {
    good: required(text('a release that was good', 'release')),
    bad: required(text('a later one that is not', 'release')),
  },
  examples: ['keel bisect flight-delay --good flight-delay.r3 --bad flight-delay.r11'],
  async run(session, { args: { model }, options: { good, bad } }) {
    const found = await (await session.client()).delivery.bisect({
      model,
      good,
      bad,
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
})
