import { Guardrail } from '../../domains/review/contract.ts'
import { argument, count, defineCommand, estimate, number, oneOf, table, withDefault } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'What keeps going wrong: groups of wrong predictions, worst first',
  args: { model: argument() },
  options: { limit: withDefault(count('how many'), 10) },
  async run(session, { args: { model }, options: { limit } }) {
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
    code: defineCommand({
      summary: 'Name the root cause of a group',
      args: { failure: argument('group'), code: argument() },
      options: {
        shouldHaveCaught: oneOf(Guardrail, 'the guardrail that let it through', 'guardrail'),
      },
      async run(session, { args: { failure, code }, options: { shouldHaveCaught } }) {
        const group = await (await session.client()).review.codeFailure({
          failure,
          code,
          shouldHaveCaught,
        })
        return { data: group, text: `${group.id}: ${group.code}` }
      },
    }),
    add: defineCommand({
      summary: 'Make examples of a group items of the golden set',
      args: { failure: argument('group') },
      options: { examples: count('how many (default 5)') },
      async run(session, { args: { failure }, options: { examples } }) {
        const result = await (await session.client()).review.addToGolden({
          failure,
          examples,
        })
        return { data: result, text: `${result.added} examples added: ${result.golden} v${result.version}.` }
      },
    }),
  },
})
