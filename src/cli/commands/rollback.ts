import { type Command, facts, string } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Put the previous release back, at once, and pin it',
  arguments: '<model>',
  options: [
    { flags: '--reason <text>', help: 'why', required: true },
    { flags: '--to <release>', help: 'a release that has been live' },
  ],
  examples: ['keel rollback flight-delay --reason "late arrivals in Atlanta"'],
  async run(session, { args: [model = ''], options }) {
    const to = string(options['to'])
    const result = await (await session.client()).delivery.rollback({
      model,
      reason: string(options['reason']) ?? '',
      ...(to === undefined ? {} : { to }),
    })
    return {
      data: result,
      text: facts([
        ['live now', `${result.release.id} (v${result.release.version})`],
        ['instead of', `${result.replaced.id} (v${result.replaced.version})`],
        ['took', `${(result.seconds * 1000).toFixed(1)} ms`],
        ['pinned', result.pinned ? 'yes: nothing is released until somebody unpins it' : 'no'],
        ['undo', result.undo],
      ]),
      next: [`keel live ${model}`, `keel unpin ${model} --reason "…"`],
    }
  },
}
