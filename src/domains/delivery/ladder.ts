import type { Static } from 'typebox'
import { day, milliseconds } from '../../core/duration.ts'
import type { ModelSpec } from '../registry/spec/spec.ts'
import type { delivery } from './contract.ts'

type Metrics = Static<(typeof delivery)['metrics']['output']>
type Policy = Static<(typeof delivery)['policy']['output']>
type Level = Policy['level']
type Signal = Policy['signals'][number]

/** What the signals of the ladder are computed from. */
export type Position = {
  spec: ModelSpec
  /** Of all releases since the first. */
  metrics: Metrics
  /** Pages in the last four weeks. */
  recentPages: number
  daysSinceRehearsal: number | null
}

/** One signal, and the values above which it is yellow and red; null is never. */
type Rung = {
  signal: string
  value: (position: Position) => number | null
  yellow: ((position: Position) => number) | null
  red: ((position: Position) => number) | null
  says: (value: number, position: Position) => string
}

const weeks = 4
const minJudged = 4
const percent = (value: number) => `${(value * 100).toFixed(0)} %`
const rollbackLimit = ({ spec }: Position) => milliseconds(spec.delivery.targets.rollback_time) / 1000
const budget = ({ spec }: Position) => spec.delivery.targets.alerts_per_week * weeks

/** A value above its bound moves the model up the ladder. */
export const ladder: readonly Rung[] = [
  {
    signal: 'deployments a week',
    value: ({ metrics }) => metrics.perWeek,
    yellow: null,
    red: null,
    says: (value, { spec }) =>
      `${value.toFixed(2)} deployments a week, ${spec.delivery.targets.frequency} is the target; that alone slows nothing down`,
  },
  {
    signal: 'chance that the change-fail rate is above its target',
    value: ({ metrics }) => metrics.changeFailRate.aboveTarget,
    yellow: () => 0.5,
    red: () => 0.8,
    says: (value, { spec }) =>
      `the chance that more than ${spec.delivery.targets.change_fail_rate} of the changes fail is ${percent(value)}`,
  },
  {
    signal: 'share of the alert budget used in four weeks',
    value: (position) => (budget(position) > 0 ? position.recentPages / budget(position) : null),
    yellow: () => 0.5,
    red: () => 1,
    says: (_, position) => `${position.recentPages} pages in four weeks, ${budget(position)} are the budget`,
  },
  {
    signal: 'share of judged alerts that were noise',
    value: ({ metrics: { alerts } }) =>
      alerts.real + alerts.noise >= minJudged ? alerts.noise / (alerts.real + alerts.noise) : null,
    yellow: () => 0.5,
    red: null,
    says: (_, { metrics: { alerts } }) =>
      `only ${alerts.real} of ${alerts.real + alerts.noise} judged alerts were real`,
  },
  {
    signal: 'seconds that nine of ten rollbacks took at most',
    value: ({ metrics }) => metrics.rollbackSeconds.p90,
    yellow: null,
    red: rollbackLimit,
    says: (value, position) =>
      `nine of ten rollbacks took up to ${value.toFixed(1)} s, ${rollbackLimit(position)} s is the limit`,
  },
  {
    signal: 'days since the rollback was rehearsed',
    value: ({ daysSinceRehearsal }) => daysSinceRehearsal,
    yellow: ({ spec }) => milliseconds(spec.delivery.rollback.drill_every) / day,
    red: null,
    says: (value, { spec }) => `the rollback was not rehearsed for ${value.toFixed(0)} days (keel drill ${spec.model})`,
  },
]

/** What each level asks for: it slows first and freezes last. */
export const effects: Record<Level, Policy['rules']> = {
  green: { slower: 1, approver: false, goldenDays: null, frozen: false },
  yellow: { slower: 2, approver: true, goldenDays: 90, frozen: false },
  red: { slower: 2, approver: true, goldenDays: 90, frozen: true },
}

export function describe({ slower, approver, goldenDays, frozen }: Policy['rules']): string[] {
  if (frozen)
    return [
      'only rollbacks, and hotfixes that name their failure, until the window rolls off or an override is written',
    ]
  return [
    ...(slower > 1 ? [`each step of a rollout takes ${slower} times as long`] : []),
    ...(approver ? ['a second person approves before the first traffic'] : []),
    ...(goldenDays === null ? [] : [`the golden set is at most ${goldenDays} days old`]),
  ]
}

/** Where the model stands on every rung. */
export function climb(position: Position): Signal[] {
  return ladder.map(({ signal, value: find, yellow, red, says }) => {
    const value = find(position)
    const [yellowAt, redAt] = [yellow?.(position), red?.(position)]
    const level = levelOf(value, yellowAt, redAt)
    const reason = value === null ? 'nothing is known yet' : says(value, position)
    return { signal, level, value, yellow: bound(yellowAt), red: bound(redAt), reason }
  })
}

function levelOf(value: number | null, yellow: number | undefined, red: number | undefined): Level {
  if (value === null) return 'green'
  if (red !== undefined && value > red) return 'red'
  return yellow !== undefined && value > yellow ? 'yellow' : 'green'
}

function bound(value: number | undefined): string {
  return value === undefined ? 'never' : `above ${value}`
}

export function worst(signals: readonly Signal[]): Level {
  const found = new Set(signals.map(({ level }) => level))
  return found.has('red') ? 'red' : found.has('yellow') ? 'yellow' : 'green'
}
