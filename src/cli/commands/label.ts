import { resolve } from 'node:path'
import { dialect, dialectOptions } from '../files/dialect.ts'
import { inBatches } from '../files/in-batches.ts'
import { readLabels } from '../files/labels.ts'
import { argument, defineCommand } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Report what turned out, by prediction id',
  args: { endpoint: argument(), file: argument() },
  options: dialectOptions,
  examples: ['keel label flight-delay labels.csv   # columns: id, value; of texts also id, score'],
  async run(session, { args: { endpoint, file }, options }) {
    const client = await session.client()
    const { spec } = await client.registry.getModel({ model: endpoint })
    const output = spec?.serves.output
    const given = { ...dialect(options), shown: file, output }
    const labels = await readLabels(resolve(session.io.cwd, file), given, session.say)
    let [accepted, replaced] = [0, 0]
    for await (const some of inBatches(labels)) {
      const result = await client.serving.label({ endpoint, labels: some })
      accepted += result.accepted
      replaced += result.replaced
    }
    const corrected = replaced === 0 ? '' : ` ${replaced} of the predictions had one before; the new one counts.`
    return { data: { accepted, replaced }, text: `${accepted} labels stored.${corrected}` }
  },
})
