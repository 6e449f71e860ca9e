import type { Output } from '../../core/contract.ts'
import type { review } from '../../domains/review/contract.ts'
import { type Command, estimate, moment, percent, table } from '../kit/kit.ts'

type Status = Output<(typeof review)['status']>

export const command: Command = {
  summary: 'Is everything steady?',
  async run(session) {
    const status = await (await session.client()).review.status({})
    const cards = table(
      ['model', 'state', 'live', 'since', 'window', 'quality now', 'at release', 'labels until', 'policy'],
      status.models.map((card) => [
        card.model,
        card.state.replaceAll('_', ' '),
        card.release === null ? null : `${card.release} (v${card.version})`,
        moment(card.liveSince),
        windowOf(card.window),
        `${card.quality.metric} ${estimate(card.quality.now)}`,
        estimate(card.quality.atRelease),
        moment(card.labelsUntil),
        card.policy,
      ]),
    )
    const rollouts = status.models.flatMap(({ rollout }) => (rollout ? [`  ${describeOpen(rollout)}`] : []))
    const todo = status.todo.map((item) => `  ${item.model}: ${item.summary}\n    ${item.command}`)
    const live = status.models.filter(({ state }) => state !== 'not_released').length
    return {
      data: status,
      // Nobody can say of any of them whether it is steady.
      exitCode: live > 0 && status.cannotTell === live ? 4 : 0,
      text: [
        status.sentence,
        ...(status.log.summary === null ? [] : [status.log.summary]),
        ...status.notStarted.map(
          ({ model, release, reason }) =>
            `"${release}" could not be started: ${reason}\n  keel endpoints show ${model}`,
        ),
        ...status.unreadable.map(
          ({ source, reason }) => `The source "${source}" cannot be read: ${reason}.\n  keel data check ${source}`,
        ),
        ...(status.models.length > 0 ? [cards] : []),
        ...(rollouts.length > 0 ? [`Rolling out:\n${rollouts.join('\n')}`] : []),
        ...(todo.length > 0 ? [`Needs a person:\n${todo.join('\n')}`] : []),
      ].join('\n\n'),
      next: status.models.length === 0 ? ['keel demo', 'keel plan'] : [],
    }
  },
}

type Rollout = NonNullable<Status['models'][number]['rollout']>

function describeOpen({ release, version, state, share, needs }: Rollout): string {
  const where = state === 'shadow' ? 'shadow' : `${state.replaceAll('_', ' ')} at ${percent(share, 0)}`
  return `${release} (v${version})  ${where}${needs === null ? '' : `; ${needs}`}\n    keel rollout ${release}`
}

function windowOf(window: { from: string; to: string; requests: number; labelled: number } | null): string | null {
  if (window === null) return null
  return `${moment(window.from)} – ${moment(window.to)}, ${window.requests} requests, ${window.labelled} labelled`
}
