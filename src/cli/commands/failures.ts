import { type Command, estimate, number, optionalNumber, string, table } from '../kit/kit.ts'

export const command: Command = {
  summary: 'What keeps going wrong: groups of wrong predictions, worst first',
  arguments: '<model>',
  options: [{ flags: '--limit <number>', help: 'how many (default 10)' }],
  async run(session, { args: [model = ''], options }) {
    const limit = optionalNumber(options['limit'], '--limit') ?? 10
    const { items } = await (await session.client()).review.listFailures({ model, limit })
    return {
      data: items,
      text: table(
        ['group', 'what they share', 'cases', 'of', 'error rate', 'excess', 'root cause'],
        items.map((group) => [
          group.id,
          group.title,
          group.cases,
          group.exposure,
          estimate(group.errorRate),
          number(group.excess, 1),
          group.code ?? 'unknown',
        ]),
      ),
      next: items[0] ? [`keel failures add ${items[0].id}   # make them golden examples`] : [],
    }
  },
  commands: {
    code: {
      summary: 'Name the root cause of a group',
      arguments: '<group> <code>',
      options: [
        { flags: '--should-have-caught <guardrail>', help: 'ingest, train, eval, shadow, canary, monitor or alert' },
      ],
      async run(session, { args: [failure = '', code = ''], options }) {
        const shouldHaveCaught = string(options['shouldHaveCaught'])
        const group = await (await session.client()).review.codeFailure({
          failure,
          code,
          ...(shouldHaveCaught === undefined ? {} : { shouldHaveCaught }),
        })
        return { data: group, text: `${group.id}: ${group.code}` }
      },
    },
    add: {
      summary: 'Make examples of a group items of the golden set',
      arguments: '<group>',
      options: [{ flags: '--examples <number>', help: 'how many (default 5)' }],
      async run(session, { args: [failure = ''], options }) {
        const examples = optionalNumber(options['examples'], '--examples')
        const result = await (await session.client()).review.addToGolden({
          failure,
          ...(examples === undefined ? {} : { examples }),
        })
        return { data: result, text: `${result.added} examples added: ${result.golden} v${result.version}.` }
      },
    },
  },
}
