import { argument, defineCommand, required, text } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Record a decision with its reason',
  args: { what: argument() },
  options: {
    reason: required(text('why')),
    model: text('the model it is about', 'model'),
    evidence: text('gate, alert, release or URL', 'link'),
  },
  async run(session, { args: { what }, options: { model, evidence, reason } }) {
    const decision = await (await session.client()).review.decide({
      what,
      reason,
      model,
      evidence,
    })
    return { data: decision, text: `${decision.id} recorded.` }
  },
})
