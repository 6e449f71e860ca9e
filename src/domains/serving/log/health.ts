import type { Context } from '../../../core/context.ts'
import { type Gap, gapBefore } from './gap.ts'
import { logState } from './prediction-log.ts'

export type LogHealth = {
  failing: boolean
  waiting: number
  dropped: number
  gap: Gap | null
  /** What somebody should know; null when every answer is written down. */
  summary: string | null
}

/** Whether this server writes down what it answers, and what the one before it did not. */
export function logHealth(ctx: Context): LogHealth {
  const { failing, waiting, dropped } = logState(ctx)
  const gap = gapBefore(ctx)
  const sentences = [
    ...(failing ? [`The prediction log cannot be written: ${waiting} answers wait in memory.`] : []),
    ...(dropped > 0 ? [`${dropped} answers were not written down and are lost.`] : []),
    ...(gap
      ? [`The server before this one ended without writing its last answers: at most ${gap.predictionsAtMost}.`]
      : []),
  ]
  return { failing, waiting, dropped, gap, summary: sentences.length === 0 ? null : sentences.join(' ') }
}
