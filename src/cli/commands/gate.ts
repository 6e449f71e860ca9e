import type { Output } from '../../core/contract.ts'
import type { evaluation } from '../../domains/evaluation/contract.ts'
import type { Command } from '../command.ts'
import { modelVersion } from '../input.ts'
import { facts, number, table } from '../output.ts'

type Gate = Output<(typeof evaluation)['runGate']>

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
      arguments: '<model>',
      async run(session, { args: [model = ''] }) {
        const plan = await (await session.client()).evaluation.planGate({ model })
        return {
          data: plan,
          text: facts([
            ['golden set', `${plan.golden} (${plan.items} items)`],
            ['metric', plan.metric],
            ['margin in the spec', number(plan.margin, 4)],
            ['smallest it can prove', plan.smallestMargin === null ? 'not known yet' : number(plan.smallestMargin, 4)],
            ['', plan.explanation],
          ]),
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
