import type { Output } from '../../core/contract.ts'
import type { project } from '../../domains/project/contract.ts'
import { readDefinitions } from '../files/definitions.ts'
import { dialect, dialectOptions } from '../files/dialect.ts'
import { signedInputs } from '../files/signed-inputs.ts'
import { defineCommand, table } from '../kit/kit.ts'

export const command = defineCommand({
  summary: 'What applying the files here would change, and whom it touches',
  options: dialectOptions,
  async run(session, { options }) {
    const definitions = await readDefinitions(session.root, session.say, dialect(options), signedInputs(session))
    const plan = await (await session.client()).project.plan(definitions)
    const changes = plan.changes.some(({ action }) => action !== 'unchanged')
    const refused = plan.refusals.length > 0
    return {
      data: plan,
      text: describePlan(plan),
      ...(refused ? { exitCode: refusedCode } : {}),
      next: changes && !refused ? ['keel apply'] : [],
    }
  },
})

/** As what is refused by policy. */
export const refusedCode = 5

type Plan = Output<(typeof project)['plan']>

export function describePlan({ changes, notices, refusals }: Plan): string {
  const refused = refusals.map(({ detail, hint }) => `✗ ${detail}\n  ${hint}`)
  return [describeChanges(changes), ...notices, ...refused].join('\n')
}

function describeChanges(changes: Plan['changes']): string {
  const rows = changes.filter(({ action }) => action !== 'unchanged')
  const same = changes.length - rows.length
  if (rows.length === 0) return `Nothing to change: all ${same} definitions are as in the files.`
  const lines = rows.map(({ action, kind, name, differences, touches }) => [
    action,
    kind,
    name,
    differences.slice(0, 3).join('; ') + (differences.length > 3 ? ` (and ${differences.length - 3} more)` : ''),
    touches.join(', '),
  ])
  return `${table(['', 'kind', 'name', 'what', 'touches'], lines)}\n${same} unchanged.`
}
