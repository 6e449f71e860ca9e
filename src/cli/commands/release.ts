import type { Output } from '../../core/contract.ts'
import { invalidInput } from '../../core/errors.ts'
import type { delivery } from '../../domains/delivery/contract.ts'
import { requirementsExitCode } from '../ci/report.ts'
import { type Command, type CommandInput, facts, modelVersion, moment, string, table } from '../kit/kit.ts'

type Plan = Output<(typeof delivery)['planRelease']>

const environment = 'production'

export const command: Command = {
  summary: 'Release a version by shadow and steps; refused (exit 5) when something that a release needs is missing',
  arguments: '<model@version>',
  options: [
    { flags: '--reason <text>', help: 'why; needed unless --dry-run' },
    { flags: '--to <environment>', help: `${environment}, the only one there is` },
    { flags: '--dry-run', help: 'say what is missing and how it would go; change nothing' },
    { flags: '--kind <kind>', help: 'model, data, features, prompt, config or code' },
    { flags: '--trigger <trigger>', help: 'human, schedule, drift or hotfix' },
    { flags: '--addresses <failure>', help: 'the failure group that it is meant to mend' },
    { flags: '--supersede', help: 'end another rollout of the model that is under way' },
  ],
  examples: ['keel release flight-delay@2 --dry-run', 'keel release flight-delay@2 --reason "follows the day"'],
  async run(session, input) {
    const { args, options } = input
    const [given = ''] = args
    const to = string(options['to']) ?? environment
    if (to !== environment) throw invalidInput(`"${to}" is not an environment.`, { name: to, hint: 'Use production.' })
    const client = await session.client()
    const request = { ...modelVersion(given), ...requestOf(input) }
    if (options['dryRun'] === true) {
      const plan = await client.delivery.planRelease(request)
      const next = plan.ready ? [`keel release ${given} --reason "…"`] : []
      return { data: plan, text: describePlan(plan), next, exitCode: requirementsExitCode(plan.requirements) }
    }
    const reason = string(options['reason'])
    if (reason === undefined) {
      throw invalidInput('A release has a reason.', { name: '--reason', hint: `keel release ${given} --reason "…"` })
    }
    const kind = string(options['kind']) as 'model' | undefined
    const supersede = options['supersede'] === true
    const release = await client.delivery.release({
      ...request,
      reason,
      ...(kind === undefined ? {} : { kind }),
      ...(supersede ? { supersede } : {}),
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
}

function requestOf({ options }: CommandInput) {
  const addresses = string(options['addresses'])
  const trigger = string(options['trigger']) as 'human' | undefined
  return {
    ...(trigger === undefined ? {} : { trigger }),
    ...(addresses === undefined ? {} : { addresses }),
  }
}

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
