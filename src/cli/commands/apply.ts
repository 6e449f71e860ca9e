import { readDefinitions } from '../files/definitions.ts'
import type { Command } from '../kit/kit.ts'
import { describePlan } from './plan.ts'

export const command: Command = {
  summary: 'Make the files here so: all or none, and nothing when nothing changed',
  options: [{ flags: '--expected <digest>', help: 'refuse when the server changed since this plan' }],
  async run(session, { options }) {
    const definitions = await readDefinitions(session.root)
    const expected = options['expected']
    const applied = await (await session.client()).project.apply({
      ...definitions,
      ...(typeof expected === 'string' ? { expected } : {}),
    })
    return { data: applied, text: describePlan(applied), next: ['keel status'] }
  },
}
