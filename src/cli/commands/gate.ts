import type { Output } from '../../core/contract.ts'
import { type evaluation, RerunFrom } from '../../domains/evaluation/contract.ts'
import {
  amount,
  argument,
  count,
  defineCommand,
  exitCodeOf,
  facts,
  modelVersion,
  number,
  oneOf,
  optionalArgument,
  percent,
  table,
  text,
} from '../kit/kit.ts'

type Operations = typeof evaluation
type Gate = Output<Operations['runGate']>

const planOptions = {
  golden: text('a golden set, where there is no spec yet', 'name'),
  items: count('a number of items instead'),
  discordance: amount('share of items on which the models disagree, 0 … 1', 'share'),
  deviation: amount('standard deviation of the differences of graded answers'),
  margin: amount('say also how many items would prove it'),
}

export const command = defineCommand({
  summary: 'May this version ship? Exit code 3 when it fails, 4 when the evidence cannot tell',
  args: { given: argument('model@version') },
  examples: ['keel gate flight-delay@2', 'keel gate plan flight-delay'],
  async run(session, { args: { given } }) {
    const gate = await (await session.client()).evaluation.runGate(modelVersion(given))
    const next = gate.verdict === 'pass' ? [`keel release ${given} --reason "…"`] : [`keel eval ${given}`]
    return { data: gate, text: describeGate(gate), exitCode: exitCodeOf[gate.verdict], next }
  },
  commands: {
    plan: defineCommand({
      summary: 'What the golden set can prove, before you choose a margin',
      args: { model: optionalArgument() },
      examples: ['keel gate plan flight-delay', 'keel gate plan --items 200 --discordance 0.1 --margin 0.02'],
      options: planOptions,
      async run(session, { args: { model }, options: { golden, items, discordance, deviation, margin } }) {
        const client = await session.client()
        if (model !== undefined) {
          const plan = await client.evaluation.planGate({ model })
          return { data: plan, text: describePlan(plan) }
        }
        const plan = await client.evaluation.planMargin({ golden, items, discordance, deviation, margin })
        return { data: plan, text: describeMargins(plan) }
      },
    }),
    rerun: defineCommand({
      summary: 'Judge a gate again on what it looked at then',
      args: { gate: argument() },
      options: {
        from: oneOf(RerunFrom, 'who answers: the models once more, or the record of their answers', 'what'),
      },
      async run(session, { args: { gate }, options: { from } }) {
        const result = await (await session.client()).evaluation.rerunGate({
          gate,
          from,
        })
        const words = result.same ? 'The same verdict again' : `Another verdict than then (${result.recorded})`
        const evidence = result.sameEvidence
          ? 'All evidence has the digests it had.'
          : `Not as it was: ${result.differences.join(', ')}`
        return {
          data: result,
          text: `${result.verdict.replaceAll('_', ' ').toUpperCase()}  ${words}, from ${result.from}.\n${result.summary}\n${evidence}`,
          exitCode: result.same ? 0 : 3,
        }
      },
    }),
    list: defineCommand({
      summary: 'Gate results, newest first',
      args: { model: optionalArgument() },
      async run(session, { args: { model } }) {
        const { items } = await (await session.client()).evaluation.listGates({ model })
        return {
          data: items,
          text: table(
            ['gate', 'version', 'verdict', 'summary'],
            items.map((gate) => [gate.id, `${gate.model}@${gate.version}`, gate.verdict, gate.summary]),
          ),
        }
      },
    }),
  },
})

export function describeGate(gate: Gate): string {
  const rows = gate.checks.map((check) => [
    check.verdict === 'pass' ? '✓' : check.required ? '✗' : '!',
    check.check,
    check.verdict.replaceAll('_', ' '),
    check.reason,
  ])
  return `${gate.verdict.replaceAll('_', ' ').toUpperCase()}  ${gate.model}@${gate.version}  ${gate.summary}\n\n${table(['', 'check', 'verdict', 'why'], rows)}\n\nEvidence ${gate.digest}`
}

function describePlan(plan: Output<Operations['planGate']>): string {
  return facts([
    ['golden set', `${plan.golden} (${plan.items} items)`],
    ['metric', plan.metric],
    ['margin in the spec', number(plan.margin, 4)],
    ['smallest it can prove', plan.smallestMargin === null ? 'not known yet' : number(plan.smallestMargin, 4)],
    ['', plan.explanation],
  ])
}

function describeMargins({ items, margins, explanation }: Output<Operations['planMargin']>): string {
  const needed = margins.some(({ itemsForMargin }) => itemsForMargin !== null)
  const rows = margins.map(({ discordance, deviation, smallestMargin, itemsForMargin }) => [
    discordance === null ? `deviation ${number(deviation)}` : percent(discordance, 0),
    number(smallestMargin, 4),
    ...(needed ? [itemsForMargin] : []),
  ])
  const headers = ['disagree on', `smallest margin of ${items} items`, ...(needed ? ['items for your margin'] : [])]
  return `${table(headers, rows)}\n\n${explanation}`
}
