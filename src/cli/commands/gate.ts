import type { Input, Output } from '../../core/contract.ts'
import { invalidInput } from '../../core/errors.ts'
import type { evaluation } from '../../domains/evaluation/contract.ts'
import {
  type Command,
  facts,
  modelVersion,
  number,
  type OptionValue,
  optionalNumber,
  percent,
  string,
  table,
} from '../kit/kit.ts'

type Operations = typeof evaluation
type Gate = Output<Operations['runGate']>

const exitCodes = { pass: 0, fail: 3, cannot_tell: 4, error: 1 } as const

export const command: Command = {
  summary: 'May this version ship? Exit code 3 when it fails, 4 when the evidence cannot tell',
  arguments: '<model@version>',
  examples: ['keel gate flight-delay@2', 'keel gate plan flight-delay'],
  async run(session, { args: [given = ''] }) {
    const gate = await (await session.client()).evaluation.runGate(modelVersion(given))
    const next = gate.verdict === 'pass' ? [`keel release ${given} --reason "…"`] : [`keel eval ${given}`]
    return { data: gate, text: describeGate(gate), exitCode: exitCodes[gate.verdict], next }
  },
  commands: {
    plan: {
      summary: 'What the golden set can prove, before you choose a margin',
      arguments: '[model]',
      examples: ['keel gate plan flight-delay', 'keel gate plan --items 200 --discordance 0.1 --margin 0.02'],
      options: [
        { flags: '--golden <name>', help: 'a golden set, where there is no spec yet' },
        { flags: '--items <number>', help: 'a number of items instead' },
        { flags: '--discordance <share>', help: 'share of items on which the models disagree, 0 … 1' },
        { flags: '--deviation <number>', help: 'standard deviation of the differences of graded answers' },
        { flags: '--margin <number>', help: 'say also how many items would prove it' },
      ],
      async run(session, { args: [model], options }) {
        const client = await session.client()
        if (model !== undefined) {
          const plan = await client.evaluation.planGate({ model })
          return { data: plan, text: describePlan(plan) }
        }
        const plan = await client.evaluation.planMargin(marginQuestion(options))
        return { data: plan, text: describeMargins(plan) }
      },
    },
    rerun: {
      summary: 'Judge a gate again on what it looked at then',
      arguments: '<gate>',
      options: [
        { flags: '--from <what>', help: 'models: they answer again; record: what they answered is judged again' },
      ],
      async run(session, { args: [gate = ''], options }) {
        const from = string(options['from'])
        if (from !== undefined && from !== 'models' && from !== 'record') {
          throw invalidInput(`"${from}" is neither models nor record.`, { name: '--from' })
        }
        const result = await (await session.client()).evaluation.rerunGate({
          gate,
          ...(from === undefined ? {} : { from }),
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
    },
    list: {
      summary: 'Gate results, newest first',
      arguments: '[model]',
      async run(session, { args: [model] }) {
        const { items } = await (await session.client()).evaluation.listGates(model === undefined ? {} : { model })
        return {
          data: items,
          text: table(
            ['gate', 'version', 'verdict', 'summary'],
            items.map((gate) => [gate.id, `${gate.model}@${gate.version}`, gate.verdict, gate.summary]),
          ),
        }
      },
    },
  },
}

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

function marginQuestion(options: Record<string, OptionValue>): Input<Operations['planMargin']> {
  const golden = string(options['golden'])
  const numbers = ['items', 'discordance', 'deviation', 'margin'].flatMap((name) => {
    const value = optionalNumber(options[name], `--${name}`)
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...(golden === undefined ? {} : { golden }), ...Object.fromEntries(numbers) }
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
