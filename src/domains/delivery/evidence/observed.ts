import type { LoggedPrediction } from '../../serving/serving.ts'
import type { TrafficRate } from './still-needed.ts'

export type Observation = Pick<
  LoggedPrediction,
  'id' | 'at' | 'unit' | 'arm' | 'bad' | 'marks' | 'inputs' | 'output' | 'label' | 'latencyMs' | 'cost'
>

/** Where the rollout stands: the current step (-1 is shadow), the share the canary had at any time, and what comes an hour. */
export type Progress = {
  step: number
  stepStartedAt: string
  shares: { at: string; share: number }[]
  traffic?: TrafficRate
}

/** Requests of one unit are not independent: a unit counts once, in the arm in which it was first seen. */
export type Unit = {
  arm: 'canary' | 'control' | 'other'
  /** The moment of its first bad answer. */
  badAt: string | undefined
  rows: Observation[]
}

export type Arms = Record<Unit['arm'], Unit[]>
