import type { Output } from '../../core/contract.ts'
import { invalidInput } from '../../core/errors.ts'
import { ChosenKind, ChosenTrigger, type delivery } from '../../domains/delivery/contract.ts'
import { requirementsExitCode } from '../ci/report.ts'
import { argument, defineCommand, facts, flag, modelVersion, moment, oneOf, table, text } from '../kit/kit.ts'

type Plan = Output<(typeof delivery)['planRelease']>

const environment = 'production'

const options = {
  reason: text('why; needed unless --dry-run'),
  to: oneOf([environment], 'where to', 'environment'),
  dryRun: flag('say what is missing and how it would go; change nothing'),
  kind: oneOf(ChosenKind, 'what is new in it'),
  trigger: oneOf(ChosenTrigger, 'what it follows'),
  addresses: text('the failure group that it should fix', 'failure'),
  supersede: flag('end another rollout of the model that is under way'),
}

export const command = defineCommand({
  summary: 'Release a version by shadow and steps; refused (exit 5) when something that a release needs is missing',
  args: { given: argument('model@version') },
  options,
  examples: ['keel release flight-delay@2 --dry-run', 'keel release flight-delay@2 --reason "follows the day"'],
  async run(session, { args: { given }, options: { reason, dryRun, kind, trigger, addresses, supersede } }) {
    const client = await session.client()
    const request = { ...modelVersion(given), trigger, addresses }
    if (dryRun) {
      const plan = await client.delivery.planRelease(request)
      const next = plan.ready ? [`keel release ${given} --reason "…"`] : []
      return { data: plan, text: describePlan(plan), next, exitCode: requirementsExitCode(plan.requirements) }
    }
    if (reason === undefined) {
      throw invalidInput('A release has a reason.', { name: '--reason', hint: `keel release ${given} --reason "…"` })
    }
    const release = await client.delivery.release({
      ...request,
      reason,
      kind,
      supersede: supersede || undefined,
    })
    return {
      data: release,
      text: facts([
        ['release', release.id],
        ['version', `v${release.version}`],
        ['state', release.state.replaceAll('_', ' ')],
        ['owner', `${release.owner}, backup ${release.backup}`],
        ['started', moment(release.createdAt)],
        ['plan', release.planDigest],
      ]),
      next: [`keel rollout watch ${release.id}`],
    }
  },
})

const marks = { pass: '✓', fail: '!', cannot_tell: '?', error: '!' } as const

/** What blocks is crossed out; what cannot be told, or was signed, is neither that nor ticked. */
function markOf({ verdict, blocks }: Pick<Plan['requirements'][number], 'verdict' | 'blocks'>): string {
  return blocks ? '✗' : marks[verdict]
}

export function describePlan({ model, version, ready, requirements, plan, planDigest, policy }: Plan): string {
  const rows = requirements.map(({ requirement, verdict, blocks, detail }) => [
    markOf({ verdict, blocks }),
    requirement,
    detail,
  ])
  const steps = Array.isArray(plan?.['steps']) ? plan['steps'].map((step) => `${String(step)} %`).join(' → ') : '–'
  const effects = (policy?.effects ?? []).map((effect) => `\n  → ${effect}`).join('')
  const verdict = ready ? 'may be released' : 'MAY NOT BE RELEASED'
  return `${model}@${version} ${verdict}\n\n${table(['', 'needs', ''], rows)}\n\nshadow → ${steps}\nplan ${planDigest ?? '–'}\npolicy ${policy?.level ?? '–'}${effects}`
}
