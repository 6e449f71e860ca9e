import { setTimeout as sleep } from 'node:timers/promises'
import type { Output } from '../../core/contract.ts'
import { invalidInput } from '../../core/errors.ts'
import type { delivery } from '../../domains/delivery/contract.ts'
import { argument, type Command, defineCommand, moment, number, percent, table, text } from '../kit/kit.ts'

type Rollout = Output<(typeof delivery)['getRollout']>

const actions = {
  pause: 'Keep the share as it is until resumed',
  resume: 'Go on after a pause',
  promote: 'Go to all of the traffic now',
  abort: 'Take all traffic away from it',
} as const

const reason = text('why')
const failedCode = 3
const watchMilliseconds = 2_000

const isOpen = ({ state }: Rollout) => !['promoted', 'rolled_back', 'superseded'].includes(state)
const words = (state: string) => state.replaceAll('_', ' ')

export const command = defineCommand({
  summary: 'Where a rollout stands and what it waits for',
  args: { release: argument() },
  async run(session, { args: { release } }) {
    const rollout = await (await session.client()).delivery.getRollout({ release })
    const next = isOpen(rollout) ? [`keel rollout watch ${release}`, `keel rollout abort ${release}`] : []
    return { data: rollout, text: describeRollout(rollout), next }
  },
  commands: {
    watch: defineCommand({
      summary: 'Print every change until the rollout is over; exit code 3 when it did not end live',
      args: { release: argument() },
      async run(session, { args: { release } }) {
        const client = await session.client()
        let told = 0
        for (;;) {
          const rollout = await client.delivery.getRollout({ release })
          for (const entry of rollout.history.slice(told)) {
            session.say(`${moment(entry.at)}  ${words(entry.state)}  ${percent(entry.share, 0)}  ${entry.reason}`)
          }
          told = rollout.history.length
          const exitCode = rollout.state === 'promoted' ? 0 : failedCode
          if (!isOpen(rollout)) return { data: rollout, text: describeRollout(rollout), exitCode }
          await sleep(watchMilliseconds)
        }
      },
    }),
    skip: defineCommand({
      summary: 'Leave a step for the next one without waiting for its evidence',
      args: { release: argument(), step: argument() },
      options: { reason },
      examples: ['keel rollout skip flight-delay.r2 shadow', 'keel rollout skip flight-delay.r2 10%'],
      async run(session, { args: { release, step }, options: { reason } }) {
        const client = await session.client()
        const { steps } = await client.delivery.getRollout({ release })
        const rollout = await client.delivery.skip({
          release,
          step: stepNamed(step, steps),
          reason,
        })
        return { data: rollout, text: describeRollout(rollout) }
      },
    }),
    ...Object.fromEntries(
      Object.entries(actions).map(([action, summary]): [string, Command] => [
        action,
        defineCommand({
          summary,
          args: { release: argument() },
          options: { reason },
          async run(session, { args: { release }, options: { reason } }) {
            const client = await session.client()
            const rollout = await client.delivery[action as keyof typeof actions]({ release, reason })
            return { data: rollout, text: describeRollout(rollout) }
          },
        }),
      ]),
    ),
  },
})

/** `shadow` or a share such as `10%` as the index that the server uses. */
function stepNamed(given: string, steps: number[]): number {
  if (given === 'shadow') return -1
  const index = steps.indexOf(Number(given.replace(/\s*%$/, '')))
  if (index >= 0) return index
  throw invalidInput(`"${given}" is not a step of this rollout.`, {
    name: given,
    hint: `Name the step to leave: shadow, ${steps.map((step) => `${step}%`).join(', ')}.`,
  })
}

function describeRollout(rollout: Rollout): string {
  const steps = ['shadow', ...rollout.steps.map((step) => `${step} %`)]
    .map((step, index) => (index === rollout.step + 1 ? `[${step}]` : step))
    .join(' → ')
  const guards = table(
    ['guard', 'verdict', 'value', 'limit', 'n', 'why'],
    rollout.guards.map((guard) => [
      guard.guard,
      guard.verdict,
      number(guard.value),
      number(guard.limit),
      guard.n,
      guard.reason,
    ]),
  )
  const history = table(
    ['at', 'state', 'share', 'by', 'why'],
    rollout.history.map((entry) => [
      moment(entry.at),
      words(entry.state),
      percent(entry.share, 0),
      entry.actor,
      entry.reason,
    ]),
  )
  const head = [`${rollout.release}  ${words(rollout.state)}  ${steps}`, ...(isOpen(rollout) ? waitsFor(rollout) : [])]
  return `${head.join('\n')}\n\n${guards}\n\n${history}`
}

function waitsFor({ forecast, nextCheckAt }: Rollout): string[] {
  const check = nextCheckAt === null ? '' : `next check ${moment(nextCheckAt)}`
  if (forecast === null) return check === '' ? [] : [check]
  return [`${forecast.sentence}`, `not before ${moment(forecast.stepUntil)}, ${check}`]
}
