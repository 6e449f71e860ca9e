import { resolve } from 'node:path'
import { dialect, dialectOptions } from '../files/dialect.ts'
import { inBatches } from '../files/in-batches.ts'
import { readOutcomes } from '../files/outcomes.ts'
import { argument, defineCommand, text } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Report outcomes beside labels: thumbs, conversion, revenue',
  args: { endpoint: argument(), file: argument() },
  options: { name: text('of the outcome, where the file has no column of it', 'outcome'), ...dialectOptions },
  examples: ['keel outcome flight-delay thumbs.csv --name thumbs   # columns: prediction, value'],
  async run(session, { args: { endpoint, file }, options }) {
    const given = { ...dialect(options), shown: file, name: options.name }
    const outcomes = await readOutcomes(resolve(session.io.cwd, file), given, session.say)
    const client = await session.client()
    let [accepted, replaced] = [0, 0]
    for await (const some of inBatches(outcomes)) {
      const result = await client.serving.recordOutcomes({ endpoint, outcomes: some })
      accepted += result.accepted
      replaced += result.replaced
    }
    const corrected = replaced === 0 ? '' : ` ${replaced} were there before; the new values count.`
    return { data: { accepted, replaced }, text: `${accepted} outcomes stored.${corrected}` }
  },
})
