import { argument, defineCommand, facts, milliseconds, required, text } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'Put the previous release back, at once, and pin it',
  args: { model: argument() },
  options: {
    reason: required(text('why')),
    to: text('a release that has been live', 'release'),
  },
  examples: ['keel rollback flight-delay --reason "late arrivals in Atlanta"'],
  async run(session, { args: { model }, options: { to, reason } }) {
    const result = await (await session.client()).delivery.rollback({
      model,
      reason,
      to,
    })
    return {
      data: result,
      text: facts([
        ['live now', `${result.release.id} (v${result.release.version})`],
        ['instead of', `${result.replaced.id} (v${result.replaced.version})`],
        ['took', milliseconds(result.seconds)],
        ['pinned', result.pinned ? 'yes: nothing is released until somebody unpins it' : 'no'],
        ['undo', result.undo],
      ]),
      next: [`keel live ${model}`, `keel unpin ${model} --reason "…"`],
    }
  },
})
