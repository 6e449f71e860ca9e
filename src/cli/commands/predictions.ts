import { Mark } from '../../domains/registry/contract.ts'
import { argument, count, defineCommand, moment, oneOf, table, text, time } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'The prediction log of an endpoint, newest first',
  args: { endpoint: argument() },
  options: {
    mark: oneOf(Mark, 'only answers of which this is to be said', 'mark'),
    release: text('only what this release answered', 'release'),
    from: time('only from this moment on'),
    to: time('only before this moment'),
    limit: count('how many (default 100)'),
  },
  examples: ['keel predictions flight-delay --limit 20', 'keel predictions flight-delay --mark stand_in'],
  async run(session, { args: { endpoint }, options: { mark, release, from, to, limit } }) {
    const client = await session.client()
    const { items } = await client.serving.listPredictions({ endpoint, mark, release, from, to, limit })
    return {
      data: items,
      text: table(
        ['prediction', 'at', 'release', 'arm', 'answer', 'marks', 'bad', 'label'],
        items.map(({ id, at, release, arm, output, marks, bad, label }) => [
          id,
          moment(at),
          release,
          arm,
          shortened(output),
          marks.join(', '),
          bad,
          typeof label === 'object' && label !== null ? shortened(JSON.stringify(label)) : label,
        ]),
      ),
      next: items.slice(0, 1).map(({ id }) => `keel replay ${id}`),
    }
  },
})

const longest = 60

function shortened(output: number | string | null): number | string | null {
  if (typeof output !== 'string' || output.length <= longest) return output
  return `${output.slice(0, longest)}…`
}
