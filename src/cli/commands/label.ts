import { resolve } from 'node:path'
import { readLabels } from '../files/labels.ts'
import { argument, defineCommand } from '../kit/kit.ts'

const batch = 5_000

export const command = defineCommand({
  summary: 'Report outcomes, by prediction id',
  args: { endpoint: argument(), file: argument() },
  examples: ['keel label flight-delay labels.csv   # columns: id, value'],
  async run(session, { args: { endpoint, file } }) {
    const labels = readLabels(resolve(session.io.cwd, file), file)
    const client = await session.client()
    let [accepted, replaced] = [0, 0]
    for (let at = 0; at < labels.length; at += batch) {
      const result = await client.serving.label({ endpoint, labels: labels.slice(at, at + batch) })
      accepted += result.accepted
      replaced += result.replaced
    }
    const corrected = replaced === 0 ? '' : ` ${replaced} of the predictions had one before; the new one counts.`
    return { data: { accepted, replaced }, text: `${accepted} labels stored.${corrected}` }
  },
})
