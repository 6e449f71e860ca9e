import { readDefinitions } from '../files/definitions.ts'
import { dialect, dialectOptions } from '../files/dialect.ts'
import { signedInputs } from '../files/signed-inputs.ts'
import { defineCommand, text } from '../kit/kit.ts'
import { describePlan } from './plan.ts'

export const command = defineCommand({
  summary: 'Apply the files here: all or none, and nothing when nothing changed',
  options: { expected: text('refuse when the server changed since this plan', 'digest'), ...dialectOptions },
  async run(session, { options }) {
    const definitions = await readDefinitions(session.root, session.say, dialect(options), signedInputs(session))
    const applied = await (await session.client()).project.apply({
      ...definitions,
      expected: options.expected,
    })
    return { data: applied, text: describePlan(applied), next: ['keel status'] }
  },
})
