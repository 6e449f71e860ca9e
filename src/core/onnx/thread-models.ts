import type { Clock } from '../clock.ts'
import { AppError } from '../errors.ts'
import type { ModelUse } from './models.ts'

/** A model file, and what was said about how it is asked. */
export type ModelSource = { name: string; read(): Promise<Uint8Array>; use?: ModelUse | undefined }

export type ThreadModel = ModelSource & {
  /** How often the thread ended while this model was at work, since it last answered. */
  strikes: number
  brokenUntil: number
  /** A thread that was given up still computes for it. */
  endless: boolean
}

const maxStrikes = 3
const brokenMilliseconds = 30_000

export const threadModel = (source: ModelSource): ThreadModel => ({
  ...source,
  strikes: 0,
  brokenUntil: 0,
  endless: false,
})

/** A model whose thread ends each time is not asked for a while. */
export function strike(model: ThreadModel, clock: Pick<Clock, 'elapsed'>): void {
  model.strikes += 1
  if (model.strikes >= maxStrikes) model.brokenUntil = clock.elapsed() + brokenMilliseconds
}

export function requireUsable(model: ThreadModel, clock: Pick<Clock, 'elapsed'>, patience: { run: number }): void {
  const { name } = model
  if (model.endless)
    throw new AppError('not_ready', `A computation of "${name}" does not end.`, {
      name,
      retryAfterSeconds: patience.run / 1_000,
    })
  const wait = model.brokenUntil - clock.elapsed()
  if (wait > 0)
    throw new AppError('not_ready', `"${name}" ended its thread ${maxStrikes} times in a row.`, {
      name,
      retryAfterSeconds: wait / 1_000,
    })
}
